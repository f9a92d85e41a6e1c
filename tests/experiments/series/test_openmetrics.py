"""What is exported is OpenMetrics by its specification, whatever people call their versions."""

import datetime as dt
import io
import os

import pytest
from django.core.management import CommandError, call_command

from evaltrack.accounts.roles import Permission
from experiments.models import ComponentVersion, MetricPoint
from experiments.series import openmetrics
from experiments.series.openmetrics import Sample
from tests.accounts.callers import bearer, signed_in
from tests.experiments.production.conftest import answers
from tests.experiments.series.openmetrics_text import read
from tests.factories import experiments

NOON = dt.datetime(2026, 1, 2, 12, tzinfo=dt.UTC)


def text_of(*samples: Sample) -> str:
    return "".join(openmetrics.exposition(lambda: samples))


def test_labels_are_escaped():
    hostile = 'v1"} 7 8\n# EOF\n\\"\\n'
    lines = read(text_of(Sample((("version", hostile),), NOON, 0.5, 0.4, 0.6, 10)))
    assert [line.labels for line in lines] == [{"version": hostile}] * 4
    assert [line.value for line in lines] == [0.5, 0.4, 0.6, 10]
    assert lines[0].at == NOON.timestamp()


def test_where_there_is_no_interval_no_limit_is_written():
    lines = read(text_of(Sample((("version", "v1"),), NOON, 0.5, None, None, 10)))
    assert [line.family for line in lines] == ["evaltrack_metric", "evaltrack_metric_observations"]


def test_of_two_points_in_one_millisecond_one_is_written():
    close = NOON + dt.timedelta(microseconds=400)
    twice = [Sample((("version", "v1"),), at, 0.5, None, None, 10) for at in (NOON, close)]
    assert len(read(text_of(*twice))) == 2


def test_nothing_is_an_empty_exposition():
    assert read(text_of()) == []


@pytest.mark.parametrize("value", [1e-12, 1e22, -0.0, 123456.789])
def test_every_number_is_written_as_one(value):
    (line, _) = read(text_of(Sample((), NOON, value, None, None, 1)))
    assert line.value == value


def test_the_whole_series_is_read_by_a_scraper(component, send, owner):
    send(*answers(30, 10, ago=dt.timedelta(days=3)))
    ComponentVersion.objects.filter(version="v1").update(version='the "first"\\one')
    response = bearer(owner, Permission.VIEW_EXPERIMENTS).get(
        "/api/v1/series/openmetrics", HTTP_ACCEPT="application/openmetrics-text"
    )
    assert response["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    lines = read(response.getvalue().decode())
    valued = MetricPoint.objects.filter(value__isnull=False)
    assert sum(line.family == "evaltrack_metric" for line in lines) == valued.count()
    assert {line.labels["version"] for line in lines} == {"v0", 'the "first"\\one', "v2"}
    assert {line.labels.get("dataset") for line in lines} == {"golden@1.0", None}


def test_a_part_of_it_can_be_asked_for(component, send, owner):
    send(*answers(30, 10, ago=dt.timedelta(days=3)))
    client = signed_in(owner)
    asked = "/api/v1/series/openmetrics?component=adder&metric=exact_match"
    lines = read(client.get(f"{asked}&source=production").getvalue().decode())
    assert {(line.labels["metric"], line.labels["source"]) for line in lines} == {
        ("exact_match", "production")
    }
    assert read(client.get(f"{asked}&to=2020-01-01").getvalue().decode()) == []
    refused = client.get(f"{asked}&source=hearsay", HTTP_ACCEPT="application/openmetrics-text")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_source")


def test_a_command_writes_the_same(people, tmp_path, capsys):
    experiments.measured(**people)
    file = tmp_path / "series.txt"
    call_command("export_series", os.fspath(file))
    lines = read(file.read_text())
    assert len(lines) == 22  # the mean of equal values has no interval
    call_command("export_series", "--component", "adder", "--metric", "exact_match", "--source", "automated")
    assert len(read(capsys.readouterr().out)) == 8
    with pytest.raises(CommandError, match="There is no component"):
        call_command("export_series", "--component", "nobody", stdout=io.StringIO())
    with pytest.raises(CommandError, match="Write `from` as a day"):
        call_command("export_series", "--from", "yesterday", stdout=io.StringIO())
