"""Every measurement is one point, however often it is written, and what people said and production gave as well."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.stats.estimate import Estimate, Undefined
from experiments import evidence
from experiments.models import (
    Arm,
    Evidence,
    Experiment,
    MetricPoint,
    MetricResult,
    PointSource,
    ProductionWindow,
)
from experiments.series import points
from tests.experiments.production.conftest import answers
from tests.factories import experiments

SOURCES = [PointSource.AUTOMATED, PointSource.HUMAN, PointSource.PROXY, PointSource.PRODUCTION]


def test_a_metric_result_is_one_point_however_often_it_is_written(people):
    experiment = experiments.measured(**people)
    results = MetricResult.objects.select_related("run")
    assert MetricPoint.objects.count() == results.count() == 6
    for _ in range(2):
        points.add(points.of_results(experiment, results, at=experiment.finished_at))
    assert MetricPoint.objects.count() == 6


def test_a_point_says_what_its_result_says(people):
    experiment = experiments.measured(**people)
    for result in MetricResult.objects.select_related("run"):
        point = MetricPoint.objects.get(origin=result.run_id, metric=result.metric)
        said = {name: result.summary[name] for name in point.statistic}
        assert point.statistic == said
        assert (point.arm, point.version) == (result.run.arm, result.run.version)
        assert (point.experiment, point.dataset_version) == (experiment, experiment.dataset_version)
        assert point.at == experiment.finished_at


def test_an_experiment_that_cannot_be_decided_leaves_no_point(people, monkeypatch):
    experiment = experiments.submitted(**people)
    experiments.answer_all(experiment, experiments.right_for(list(Arm)))
    monkeypatch.setattr("experiments.verdicts.decide", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        experiments.conclusion.conclude(experiment, at=clock.now())
    assert not MetricPoint.objects.exists()


def said(experiment: Experiment, **given) -> None:
    net = Estimate(0.2, 0.1, 0.3, 12, "test")
    evidence.record_human_evidence(
        experiment.pk,
        net_preference=net,
        agreement=given.get("agreement", Estimate(0.6, 0.4, 0.8, 6, "test")),
        judgments=12,
        items=6,
        judgments_root="0" * 64,
        by=experiment.component.owner,
        at=clock.now(),
    )


def test_what_people_said_is_a_point_of_the_candidate(people):
    experiment = experiments.measured(risk="high", **people)
    said(experiment, agreement=Undefined("everybody said the same"))
    row = Evidence.objects.get()
    preference, agreement = MetricPoint.objects.filter(source="human").order_by("-metric")
    assert (preference.metric, preference.value, preference.low, preference.n) == (
        "net_preference",
        0.2,
        0.1,
        12,
    )
    assert agreement.statistic == {"undefined": "everybody said the same"}
    assert {preference.origin, agreement.origin} == {row.pk}
    assert preference.version == experiment.candidate
    assert preference.at == row.recorded_at


def test_a_proxy_is_a_point_with_what_its_metric_says_of_the_candidate(people, lead):
    experiment = experiments.measured(risk="high", **people)
    experiments.proxy_stands_in(experiment, lead)
    point = MetricPoint.objects.get(source="proxy")
    automated = MetricPoint.objects.get(source="automated", metric="exact_match", arm="candidate")
    assert (point.metric, point.statistic) == ("exact_match", automated.statistic)
    assert point.at > automated.at


def test_a_day_of_production_grows_with_its_samples(component, send):
    send(*answers(3, 1, ago=dt.timedelta(days=3)))
    before = MetricPoint.objects.filter(source="production", metric="exact_match")
    assert sum(point.n for point in before) == 4
    send(*answers(3, 1, ago=dt.timedelta(days=3), prefix="late"))
    after = MetricPoint.objects.filter(source="production", metric="exact_match")
    assert sum(point.n for point in after) == 8
    assert after.count() == before.count()
    assert MetricPoint.objects.filter(source="production").count() == ProductionWindow.objects.count()
    point = after.latest("at")
    assert (point.version.version, point.arm, point.dataset_version, point.experiment) == (
        "v2",
        "",
        None,
        None,
    )
    assert point.at.time() == dt.time.min


@pytest.mark.parametrize(
    "forged",
    [{"arm": ""}, {"experiment": None}, {"source": "hearsay"}, {"low": 0.99}, {"value": None}, {"low": None}],
)
def test_the_database_refuses_a_point_that_contradicts_itself(people, forged):
    experiments.measured(**people)
    point = MetricPoint.objects.filter(metric="exact_match", arm="baseline")
    with pytest.raises(IntegrityError), transaction.atomic():
        point.update(**forged)
