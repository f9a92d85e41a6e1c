"""The command proves that the series is what the records give: what is forged, missing or made up is found."""

import datetime as dt
import io

import pytest
from django.core.management import CommandError, call_command

from evaltrack import clock
from experiments.models import MetricPoint, MetricResult
from experiments.series import checking, points, records
from tests.experiments.production.conftest import answers
from tests.experiments.series.test_points import said
from tests.factories import experiments


def recompute(*words: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("recompute_series", *words, stdout=out, stderr=io.StringIO())
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def full(component, send, people, lead):
    """Points of every source, of two components."""
    send(
        *answers(30, 10, ago=dt.timedelta(days=3)), *answers(20, 10, ago=dt.timedelta(days=20), prefix="old")
    )
    experiment = experiments.measured(name="subtracter", risk="high", **people)
    experiments.proxy_stands_in(experiment, lead)
    said(experiment)
    return component


def test_a_series_as_it_was_written_is_what_the_records_give(full):
    assert {*MetricPoint.objects.values_list("source", flat=True)} == {
        "automated",
        "human",
        "proxy",
        "production",
    }
    code, told = recompute()
    assert (code, told) == (0, f"{MetricPoint.objects.count()} points, each as its record gives it.\n")


@pytest.mark.parametrize("source", ["automated", "human", "proxy", "production"])
def test_a_forged_value_is_found(full, source):
    point = MetricPoint.objects.filter(source=source, value__isnull=False, low__isnull=False).first()
    was = point.value
    MetricPoint.objects.filter(pk=point.pk).update(value=point.low)
    code, told = recompute()
    assert code == 1
    assert f"the value is {point.low}, and the records give {was}" in told
    assert "1 different." in told


@pytest.mark.parametrize("column", ["version_id", "dataset_version_id", "experiment_id"])
def test_a_point_that_names_something_else_is_found(full, column):
    MetricPoint.objects.filter(pk=MetricPoint.objects.filter(source="human").first().pk).update(
        **{column: 9_999}
    )
    code, told = recompute()
    assert code == 1
    assert "9999, and the records give" in told


@pytest.mark.parametrize("source", ["automated", "human", "proxy", "production"])
def test_a_missing_point_is_found_and_added(full, source):
    MetricPoint.objects.filter(pk=MetricPoint.objects.filter(source=source).last().pk).delete()
    count = MetricPoint.objects.count()
    code, told = recompute()
    assert code == 1
    assert "is missing in the series" in told
    assert MetricPoint.objects.count() == count
    code, told = recompute("--write")
    assert code == 0
    assert "1 were missing and are added." in told
    assert recompute()[0] == 0


def test_a_whole_series_comes_back(full):
    kept = sorted(map(str, MetricPoint.objects.values()))
    MetricPoint.objects.all().delete()
    assert recompute()[0] == 1
    assert recompute("--write")[0] == 0
    assert sorted(map(str, MetricPoint.objects.values())) == kept


@pytest.mark.parametrize(
    "moved", [{"origin": 9_999}, {"at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC)}, {"component_id": 77}]
)
def test_a_point_that_no_record_gives_is_found_and_not_deleted(full, moved):
    point = MetricPoint.objects.filter(source="automated", metric="exact_match").first()
    for name, value in moved.items():
        setattr(point, name, value)
    points.add([point])
    for words in ((), ("--write",)):
        code, told = recompute(*words)
        assert code == 1
        assert "is in the series, and no record gives it" in told
        assert "1 that no record gives." in told


def test_a_metric_that_is_of_no_record_is_found(full):
    point = MetricPoint.objects.filter(source="automated").first()
    point.metric = "made_up"
    points.add([point])
    assert recompute()[0] == 1


def test_one_component_can_be_checked_alone(full):
    MetricPoint.objects.filter(component__name="subtracter").delete()
    assert recompute("adder")[0] == 0
    assert recompute("subtracter")[0] == 1
    with pytest.raises(CommandError, match="There is no component nobody"):
        recompute("nobody")


def test_what_is_written_during_the_walk_is_no_difference(full, monkeypatch):
    """The point that the records had not yet given is looked at again."""
    point = MetricPoint.objects.filter(source="production").first()
    first = iter([True])
    real = records.of

    def without_it(component, metric, *, between=None):
        found = real(component, metric, between=between)
        if between is None and next(first, False) is True:
            return (each for each in found if records.place(each) != records.place(point))
        return found

    monkeypatch.setattr(checking.records, "metrics_of", lambda _: {point.metric})
    monkeypatch.setattr(checking.reading, "metrics_of", lambda _: {point.metric})
    monkeypatch.setattr(checking.records, "of", without_it)
    check = checking.Check(at=clock.now())
    assert list(check.walk([full])) == []
    assert check.ok


def test_progress_is_told(full, monkeypatch):
    monkeypatch.setattr(checking.records, "CHUNK", 5)
    heard: list[int] = []
    check = checking.Check(at=clock.now(), told=heard.append)
    assert list(check.walk()) == []
    assert heard == [*range(5, check.seen + 1, 5), check.seen]


def test_a_value_that_only_the_record_has_otherwise_is_found(full):
    """Whoever alters the record alone is found as well."""
    row = MetricResult.objects.first()
    MetricResult.objects.filter(pk=row.pk).update(summary={**row.summary, "n": row.summary["n"] + 1})
    code, told = recompute()
    assert code == 1
    assert "the n is" in told
