"""The tables of production as files: the same numbers as on the pages."""

import csv
import datetime as dt
import io

import pytest

from experiments.models import Experiment
from tests.accounts.callers import signed_in
from tests.experiments.production.conftest import answers
from tests.factories import experiments

HOUR = dt.timedelta(hours=1)
BEFORE = dt.timedelta(days=12)


@pytest.fixture
def taken(component):
    def get(address, query=""):
        answer = signed_in(component.owner).get(f"{address}?format=csv{query}")
        assert answer.status_code == 200
        return list(csv.DictReader(io.StringIO(answer.content.decode())))

    return get


@pytest.fixture
def sampled(send):
    send(*answers(60, 40, ago=BEFORE, prefix="old"), *answers(75, 5, ago=HOUR))


def test_what_is_watched_and_its_days(component, sampled, taken):
    page = f"{component.get_absolute_url()}production/"
    watched = {row["metric"]: row for row in taken(page)}
    exact = watched["exact_match"]
    assert (exact["samples"], float(exact["now"]), float(exact["last_deployment"])) == ("80", 75 / 80, 0.6)
    assert float(exact["change_one_look"]) == pytest.approx(75 / 80 - 0.6)
    assert float(exact["change_one_look_low"]) < float(exact["change_one_look"])
    assert float(exact["change_at_any_time_low"]) < float(exact["change_one_look_low"])
    assert watched["latency_p95"]["change_at_any_time"] == ""
    days = taken(page, "&table=days&metric=exact_match")
    assert [(row["version"], row["samples"]) for row in days] == [("v1", "100"), ("v2", "80")]
    assert [float(row["value"]) for row in days] == pytest.approx([0.6, 75 / 80])


def test_what_was_promised(component, sampled, taken):
    (row,) = taken("/promotions/promises/")
    assert (row["component"], row["version"], row["kept"]) == ("adder", "v2", "kept")
    assert float(row["promised"]) == pytest.approx(0.4)
    assert float(row["realised_minus_promised"]) == pytest.approx(75 / 80 - 0.6 - 0.4)


def test_a_live_test_by_arm(component, taken):
    experiment = Experiment.objects.order_by("pk").last()
    test = experiments.live_test(experiment, by=component.owner)
    control, treatment = taken(test.get_absolute_url())
    assert (control["arm"], control["version"], control["outcome"]) == ("control", "v1", "")
    assert (treatment["version"], treatment["outcome"]) == ("v2", "INCONCLUSIVE")
    assert float(treatment["margin"]) == 0.05
