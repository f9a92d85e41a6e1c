"""What a reused answer is, costs and counts."""

from collections import Counter

import pytest

from evaltrack.errors import Invalid
from experiments import pricing
from experiments.models import ExperimentStatus, Outcome
from experiments.suite import parse
from tests.endpoint import adds, asked, says, serve
from tests.experiments.reuse.playing import EXAMPLES, METRICS, SUITE, again, changed, reused
from tests.experiments.running.test_budget import COST

pytestmark = pytest.mark.django_db


def test_a_reused_answer_says_the_same_and_has_neither_cost_nor_time_nor_tries(first):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        further = again(experiment)
    for row in further.outputs.select_related("reused_from__run"):
        was = row.reused_from
        assert (was.experiment_id, was.run.arm, was.position) == (experiment.pk, row.run.arm, row.position)
        for name in ("text", "outcome", "input_tokens", "output_tokens", "finish_reason", "request_digest"):
            assert getattr(row, name) == getattr(was, name)
        assert (row.cost_micro, row.latency_ms, row.waited_ms, row.attempts) == (0, None, None, 0)
        assert row.finished_at > was.finished_at
        assert row.cache_key is None


def test_latency_is_left_out_with_the_reason_and_what_is_told_of_it_counts_the_others(first):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        experiment.outputs.filter(example_id__in=["q1", "q2"]).update(cache_key=None)
        further = again(experiment)
    assert sum(reused(further).values()) == 2 * EXAMPLES - 4
    told = further.comparisons.get(metric="latency_p50")
    assert told.n == 2
    result = further.runs.get(arm="candidate").metrics.get(metric="latency_p50")
    assert list(result.undefined) == ["the answer was reused, and nobody was asked now"]
    assert further.comparisons.get(metric="exact_match").n == EXAMPLES


@pytest.mark.parametrize("role", ["gating", "guardrail"])
@pytest.mark.parametrize("metric", ["latency_p95", "tokens_per_second"])
def test_a_policy_that_decides_by_latency_has_no_cache(metric, role):
    rules = [METRICS[0], {"metric": metric, "role": role, "margin": 10}]
    with pytest.raises(Invalid, match="has no place beside"):
        parse({"metrics": rules, "cache": {}})
    assert parse({"metrics": rules}).cache is None


@pytest.mark.parametrize(
    "cache",
    [True, [], {"salt": 5}, {"salt": "s" * 81}, {"max_age_days": 0}, {"max_age_days": True}, {"reuse": True}],
)
def test_a_cache_that_is_none_is_refused_with_a_sentence(cache):
    with pytest.raises(Invalid, match="cache"):
        parse({"metrics": METRICS[:1], "cache": cache})


def test_reused_answers_cost_nothing_and_spoil_no_estimate(first, people, priced):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        further = again(experiment)
    assert pricing.cost_of(experiment).spent == 2 * EXAMPLES * COST
    assert pricing.cost_of(further) == pricing.Cost(0, 0, 2 * EXAMPLES)
    assert pricing.expected(further) == 2 * EXAMPLES * COST


def test_a_budget_for_no_single_call_is_enough_where_everything_is_reused(first, people, priced):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        further = again(experiment, budget_micro=1)
    assert (further.status, further.committed_micro) == (ExperimentStatus.DECIDED, 0)


def test_a_budget_that_is_spent_skips_what_costs_and_reuses_the_rest(first, people, priced, monkeypatch):
    suite = SUITE | {"max_error_share": 0.5}
    with serve(adds) as endpoint:
        experiment = first(endpoint, suite=suite, concurrency=2)
        # The first to be asked again are not to be reused.
        gone = experiment.outputs.filter(example_id__in=["q1", "q2", "q3"])
        gone.update(cache_key=None)
        calls = len(endpoint.calls)
        further = again(experiment, suite=suite, budget_micro=1)
        assert len(endpoint.calls) == calls
    ended = Counter(further.outputs.values_list("outcome", flat=True))
    assert ended == {Outcome.ANSWERED: 2 * EXAMPLES - 6, Outcome.SKIPPED_BY_BUDGET: 6}
    assert further.status == ExperimentStatus.DECIDED


def test_an_answer_in_another_format_than_asked_for_is_the_systems_and_is_reused(first):
    """Were it asked anew each time, only what went well would stay, and reusing would make systems look better."""

    def behave(call):
        return says("no JSON" if asked(call) == 3 else '{"sum": 1}')

    with serve(behave) as endpoint:
        plain = first(endpoint)
        version = changed(plain, parameters={"response_format": {"type": "json_object"}})
        experiment = again(plain, candidate=version)
        calls = len(endpoint.calls)
        further = again(plain, candidate=version)
        assert len(endpoint.calls) == calls
    ended = Counter(further.outputs.filter(run__arm="candidate").values_list("outcome", flat=True))
    assert ended == {Outcome.ANSWERED: EXAMPLES - 1, Outcome.FORMAT_INVALID: 1}
    assert reused(experiment) == {"baseline": EXAMPLES}
