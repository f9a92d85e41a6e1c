"""Samples are scored and counted once, or refused whole with the bad lines located."""

import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack import clock
from evaltrack.errors import Invalid, Refused
from evaltrack.stats.intervals import quantile as exact_quantile
from experiments.metrics import REGISTRY
from experiments.models import ProductionMonitor, ProductionSample, ProductionWindow
from experiments.production import intake, retention, windows
from experiments.production.sums import added, level, quantile, sums_of
from tests.experiments.production.conftest import answers, lines

HOUR = dt.timedelta(hours=1)


def sums(metric):
    return added(windows.sums_of_window(row) for row in ProductionWindow.objects.filter(metric=metric))


def test_samples_are_scored_by_the_metrics_of_the_policy(send):
    assert send(*answers(30, 10, ago=HOUR)) == (40, 0)
    assert (sums("exact_match").successes, sums("exact_match").n) == (30, 40)
    values = ProductionSample.objects.get(key="s0").values
    assert values == {"exact_match": 1.0, "output_tokens": 20.0, "latency_p95": 800.0}


def test_what_is_sent_again_counts_once(send):
    batch = answers(30, 10, ago=HOUR)
    send(*batch[:25])
    assert send(*batch) == (15, 25)
    assert send(*batch, *batch[:3]) == (0, 43)
    assert sums("exact_match").n == ProductionSample.objects.count() == 40
    assert ProductionMonitor.objects.get().samples == 40


def test_without_an_id_the_content_names_the_sample(send):
    first, second = (dict(row) for row in answers(2, 0, ago=HOUR))
    del first["id"], second["id"]
    assert send(first, second, first) == (2, 1)


def test_a_sample_belongs_to_what_ran_at_its_time(send, component):
    send(*answers(3, 0, ago=HOUR), *answers(2, 0, ago=dt.timedelta(days=20), prefix="old"))
    first, second = component.deployments.order_by("started_at")
    assert first.production_samples.count() == 2
    assert second.production_samples.count() == 3


def test_values_may_come_from_outside_and_win(send):
    row = answers(1, 0, ago=HOUR)[0] | {"metrics": {"exact_match": 0}}
    del row["expected"]
    send(row)
    assert sums("exact_match").successes == 0


def test_without_a_reference_a_metric_that_needs_one_is_undefined(send):
    row = answers(1, 0, ago=HOUR)[0]
    del row["expected"]
    send(row)
    assert set(ProductionSample.objects.get().values) == {"output_tokens", "latency_p95"}


def test_no_answer_counts_as_a_wrong_one_where_a_right_one_is_known(send):
    send(answers(1, 0, ago=HOUR)[0] | {"output": None, "output_tokens": None, "latency_ms": None})
    assert ProductionSample.objects.get().values == {"exact_match": 0.0}


LATER, EARLIER = "2999-01-01T00:00:00Z", "1999-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        ({"sampled_at": LATER}, "sampled_at", "future"),
        ({"sampled_at": EARLIER}, "sampled_at", "no version of adder was in production"),
        ({"sampled_at": "2026-01-01T00:00:00"}, "sampled_at", "with its zone"),
        ({"sampled_at": "yesterday"}, "sampled_at", "like 2026"),
        ({"output": 7}, "output", "text"),
        ({"latency_ms": -1}, "latency_ms", "whole number"),
        ({"latency_ms": 1.5}, "latency_ms", "whole number"),
        ({"metrics": {"charm": 1}}, "metrics.charm", "no metric of the gate policy"),
        ({"metrics": {"accuracy": 1}}, "metrics.accuracy", "which has exact_match"),
        ({"metrics": {"exact_match": 0.5}}, "metrics.exact_match", "0 or 1"),
        ({"metrics": {"output_tokens": "many"}}, "metrics.output_tokens", "number"),
        ({"metrics": {"latency_p95": -2}}, "metrics.latency_p95", "negative"),
        ({"metrics": [1]}, "metrics", "object"),
        ({"input": "a\x00b"}, "", "NUL"),
        ({"id": "x" * 81}, "id", "80"),
        ({"mood": "good"}, "mood", "unknown field"),
    ],
)
def test_one_bad_line_refuses_all_and_is_located(send, change, field, says):
    rows = answers(150, 0, ago=HOUR)
    rows[140] |= change
    with pytest.raises(Invalid) as refused:
        send(*rows)
    assert refused.value.extra["errors"][0]["line"] == 141
    assert refused.value.extra["errors"][0]["field"] == field
    assert says in refused.value.extra["errors"][0]["reason"]
    assert not ProductionSample.objects.exists()
    assert not ProductionWindow.objects.exists()


def test_nothing_and_too_much_are_refused(send, monkeypatch):
    with pytest.raises(Invalid, match="no sample"):
        send()
    monkeypatch.setattr(intake, "MOST_SAMPLES", 120)
    with pytest.raises(Invalid, match="120"):
        send(*answers(121, 0, ago=HOUR))
    assert not ProductionSample.objects.exists()


def test_samples_come_from_the_owner_and_machines_alone(component, approver):
    with pytest.raises(Refused):
        intake.take(component, lines(*answers(1, 0, ago=HOUR)), by=approver, at=clock.now())


def test_a_pass_of_statements_costs_the_batches_not_the_samples(send, django_assert_max_num_queries):
    with django_assert_max_num_queries(24):
        send(*answers(100, 0, ago=HOUR))


def test_texts_are_forgotten_and_values_stay(send, settings):
    send(*answers(3, 0, ago=HOUR))
    ProductionSample.objects.filter(key="s0").update(received_at=clock.now() - dt.timedelta(days=31))
    assert retention.forget_texts(at=clock.now()) == 1
    assert set(ProductionSample.objects.filter(body__isnull=True).values_list("key", flat=True)) == {"s0"}
    assert sums("exact_match").n == 3
    settings.PRODUCTION_TEXT_DAYS = 0
    send(*answers(1, 0, ago=HOUR, prefix="t"))
    assert ProductionSample.objects.get(key="t0").body is None


# ── Sums ─────────────────────────────────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=60), st.sampled_from([0.5, 0.95]))
def test_a_quantile_of_buckets_is_within_half_a_per_cent(values, q):
    metric = REGISTRY["latency_p95"]
    found = quantile(sums_of(metric, values).buckets, q)
    wanted = float(np.quantile(values, q, method="inverted_cdf"))
    assert math.isclose(found.value, wanted, rel_tol=0.0051)


def test_a_quantile_of_buckets_has_the_interval_of_the_values():
    values = np.random.default_rng(1).lognormal(6, 1, size=2000)
    metric = REGISTRY["latency_p95"]
    ours, exact = level(metric, sums_of(metric, list(values))), exact_quantile(values, 0.95)
    for name in ("value", "ci_low", "ci_high"):
        assert math.isclose(getattr(ours, name), getattr(exact, name), rel_tol=0.01)
