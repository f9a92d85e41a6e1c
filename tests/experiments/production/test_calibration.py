"""What was promised beside what was realised, of promotions with samples on both sides."""

import datetime as dt

import pytest

from evaltrack.stats.independent import miettinen_nurminen
from experiments.metrics import REGISTRY
from experiments.models import Comparison, Component, Deployment
from experiments.production import calibration, windows
from tests.accounts.callers import signed_in
from tests.experiments.production.conftest import answers

HOUR, BEFORE = dt.timedelta(hours=1), dt.timedelta(days=12)
PAGE = "/promotions/promises/"


def of(metric="exact_match"):
    return [each for each in calibration.promises(Component.objects.all()) if each.metric.name == metric]


def test_nothing_is_promised_that_was_not_sampled_on_both_sides(send):
    assert of() == []
    send(*answers(30, 10, ago=HOUR))
    assert of() == []


def test_promised_is_the_experiments_and_realised_is_productions(send):
    send(*answers(60, 40, ago=BEFORE, prefix="old"), *answers(95, 5, ago=HOUR))
    (found,) = of()
    assert found.deployment == Deployment.objects.get(version__version="v2")
    stored = Comparison.objects.get(experiment=found.deployment.promotion.experiment, metric="exact_match")
    assert found.promised.value == pytest.approx(stored.delta["value"]) == pytest.approx(0.4)
    assert found.realised == miettinen_nurminen(95, 100, 60, 100)
    assert found.kept == "kept"
    assert calibration.shortfall([found], REGISTRY["exact_match"]).value == pytest.approx(0.35 - 0.4)


@pytest.mark.parametrize(("right", "kept"), [(62, "less"), (90, "kept")])
def test_kept_is_read_from_the_interval(send, right, kept):
    send(*answers(120, 80, ago=BEFORE, prefix="old"), *answers(2 * right, 200 - 2 * right, ago=HOUR))
    assert of()[0].kept == kept


def test_what_was_compared_with_another_version_promised_nothing(send):
    send(*answers(60, 40, ago=BEFORE, prefix="old"), *answers(95, 5, ago=HOUR))
    after = Deployment.objects.get(version__version="v2")
    stranger = Deployment.objects.get(version__version="v1").promotion.experiment.baseline
    experiment = after.promotion.experiment
    type(experiment).objects.filter(pk=experiment.pk).update(baseline=stranger)
    assert of() == []


def test_totals_of_the_database_are_the_sums(send, component):
    for day in range(3):
        ago = dt.timedelta(days=day, hours=1)
        send(*answers(40 - day, 10 + day, ago=ago, prefix=f"d{day}-", tokens=20 + day))
    (current,) = component.deployments.filter(ended_at=None)
    added, exact = windows.totals([current])[current.pk], windows.of_deployments([current])[current.pk]
    for metric in ("exact_match", "output_tokens"):
        ours, theirs = added[metric].moments, exact[metric].moments
        assert ours.n == theirs.n
        assert (ours.mean, ours.squares) == pytest.approx((theirs.mean, theirs.squares))


def test_the_page_says_what_to_do_and_then_shows_it(send, component):
    client = signed_in(component.owner)
    assert "Nothing to compare yet" in client.get(PAGE).content.decode()
    send(*answers(60, 40, ago=BEFORE, prefix="old"), *answers(95, 5, ago=HOUR))
    page = client.get(PAGE).content.decode()
    for words in ("1 of 1 promotion kept", "+40.0 pts", "+35.0 pts", "as promised", "<svg"):
        assert words in page
    assert client.get(PAGE + "?metric=charm").status_code == 404
