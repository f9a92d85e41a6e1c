"""What production gained: the differences of its promotions, added up."""

import datetime as dt

import pytest

from evaltrack import clock
from experiments import gains, promotion
from experiments.models import Comparison, Deployment
from tests.accounts.callers import signed_in
from tests.factories import experiments

SUITE = {
    "metrics": [
        {"metric": "exact_match", "role": "gating", "margin": 0.1},
        {"metric": "token_f1", "role": "gating", "margin": 0.1},
        {"metric": "output_tokens", "role": "secondary"},
    ]
}


@pytest.fixture
def promoted(people, approver):
    """Puts a version into production that is right on its share of 60 examples, and gives its experiment."""
    row = experiments.component(people["owner"], people["platform"], suite=SUITE)
    golden = experiments.dataset_version(people["custodian"], examples=60)
    made = [(experiments.component_version(row, people["platform"], version="v0"), 0.5)]

    def promote(share):
        before, before_share = made[-1]
        new = experiments.component_version(row, people["platform"], version=f"v{len(made)}")
        found = experiments.promoted(
            new, before, golden, approver=approver, shares=(share, before_share), examples=60
        )
        made.append((new, share))
        return found

    return promote


def of(experiment):
    return gains.of_components([experiment.component], at=clock.now()).get(experiment.component_id)


def test_what_came_first_replaced_nothing(promoted):
    assert of(promoted(0.7)) is None


def test_later_promotions_are_added_up_by_gating_metric(promoted):
    promoted(0.6)
    steps = [promoted(0.8), promoted(0.95)]
    exact, f1 = of(steps[-1])
    assert (exact.metric, f1.metric) == ("exact_match", "token_f1")
    assert exact.value == pytest.approx(0.35)
    assert (exact.steps, exact.word) == (2, "better")
    rows = Comparison.objects.filter(experiment__in=steps, metric="exact_match")
    assert exact.low == pytest.approx(sum(row.delta["ci_low"] for row in rows))
    assert exact.high == pytest.approx(sum(row.delta["ci_high"] for row in rows))
    assert exact.since == Deployment.objects.order_by("started_at")[1].started_at


def test_an_interval_around_zero_shows_no_change(promoted):
    promoted(0.8)
    exact = of(promoted(0.8 + 1 / 60))[0]
    assert exact.low <= 0 <= exact.high
    assert exact.word == "no change shown"


def test_where_less_is_better_the_word_is_turned(promoted):
    promoted(0.6)
    last = promoted(0.9)
    last.comparisons.update(direction="lower")
    assert of(last)[0].word == "worse"


def test_a_metric_that_one_step_did_not_measure_is_left_out(promoted):
    promoted(0.6)
    promoted(0.8)
    last = promoted(0.9)
    Comparison.objects.filter(experiment=last, metric="token_f1").update(delta={"undefined": "why"})
    assert [gain.metric for gain in of(last)] == ["exact_match"]
    Comparison.objects.filter(experiment=last, metric="token_f1").update(role="secondary")
    assert [gain.metric for gain in of(last)] == ["exact_match"]


def test_a_step_without_an_interval_leaves_the_sum_without_one(promoted):
    promoted(0.6)
    last = promoted(0.8)
    row = last.comparisons.get(metric="exact_match")
    Comparison.objects.filter(pk=row.pk).update(
        delta=row.delta | {"ci_low": None, "ci_high": None, "ci_undefined": "why"}
    )
    exact = of(last)[0]
    assert (exact.low, exact.high, exact.word) == (None, None, "no change shown")


def test_what_lies_more_than_a_year_back_is_not_counted(promoted):
    promoted(0.6)
    last = promoted(0.8)
    for days, row in zip((400, 366), Deployment.objects.order_by("started_at"), strict=True):
        Deployment.objects.filter(pk=row.pk).update(started_at=clock.now() - dt.timedelta(days=days))
    assert of(last) is None


def test_both_pages_say_it_in_words(promoted, people):
    promoted(0.6)
    last = promoted(0.9)
    for path in ("/components/", last.component.get_absolute_url()):
        page = signed_in(people["owner"]).get(path).content.decode()
        assert "exact_match improved by 30.0 pts" in page


def test_a_version_that_waits_for_approval_is_told(people):
    row = experiments.measured(**people)
    asked = promotion.request(
        row, environment="production", reason="It passed.", by=people["owner"], at=clock.now()
    )
    page = signed_in(people["owner"]).get("/components/").content.decode()
    assert f'<a href="{asked.get_absolute_url()}">v1.1.0 waits for approval</a>' in page
