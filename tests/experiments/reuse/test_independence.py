"""Outputs of one experiment never share an answer."""

import pytest
from django.db import IntegrityError, transaction

from experiments.models import Outcome, Output
from tests.endpoint import adds, says, serve
from tests.experiments.reuse.playing import EXAMPLES, again, changed, reused
from tests.factories import experiments

pytestmark = pytest.mark.django_db


def test_arms_that_ask_the_same_never_share_an_answer(first):
    """Two versions that differ in nothing that is sent: sharing answers, they could not differ by chance."""
    with serve(lambda call: says(f"answer {len(endpoint.calls)}")) as endpoint:
        experiment = first(endpoint, model="alike", concurrency=4)
        assert not experiment.outputs.exclude(reused_from=None).exists()
        both = again(experiment)
    assert reused(both) == {"baseline": EXAMPLES, "candidate": EXAMPLES}
    origins = both.outputs.values_list("reused_from", flat=True)
    assert len(set(origins)) == len(origins)
    # Where there is one answer for two, the other is asked.
    with serve(adds) as endpoint:
        experiment = first(endpoint, name="other", model="alike")
        experiment.outputs.filter(run__arm="candidate").update(cache_key=None)
        calls = len(endpoint.calls)
        further = again(experiment)
        assert len(endpoint.calls) == calls + EXAMPLES
    assert sum(reused(further).values()) == EXAMPLES


def test_the_database_lets_no_two_outputs_of_an_experiment_have_one_answer(first):
    with serve(adds) as endpoint:
        further = again(first(endpoint))
    one, other = further.outputs.all()[:2]
    with pytest.raises(IntegrityError), transaction.atomic():
        Output.objects.filter(pk=one.pk).update(reused_from=other.reused_from)


@pytest.mark.parametrize(
    "changes",
    [{"latency_ms": 5}, {"waited_ms": 5}, {"cost_micro": 5}, {"cost_micro": None}, {"cache_key": "a"}],
    ids=str,
)
def test_the_database_lets_a_reused_answer_neither_cost_nor_last_nor_be_reused_on(first, changes):
    with serve(adds) as endpoint:
        further = again(first(endpoint))
    with pytest.raises(IntegrityError), transaction.atomic():
        Output.objects.filter(pk=further.outputs.first().pk).update(**changes)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.TARGET_ERROR, Outcome.SKIPPED_BY_BUDGET])
def test_the_database_keeps_what_is_no_answer_from_being_reused(first, outcome):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
    with pytest.raises(IntegrityError), transaction.atomic():
        experiment.outputs.update(outcome=outcome)


def test_examples_with_the_same_question_each_have_an_answer_of_their_own(first, people):
    with serve(lambda call: says(f"{call.model} {call.nth}")) as endpoint:
        rows = [{"id": f"q{n}", "input": "What is 1 plus 1?", "expected": "2"} for n in range(EXAMPLES)]
        golden = experiments.published(people["custodian"], rows, slug="the-same")
        experiment = again(first(endpoint), dataset=golden)
        assert reused(experiment) == {}
        further = again(experiment, dataset=golden)
    assert reused(further) == {"baseline": EXAMPLES, "candidate": EXAMPLES}
    assert len(set(further.outputs.values_list("run", "text"))) == 2 * EXAMPLES


def test_the_baseline_of_today_reuses_what_was_said_when_it_was_the_candidate(first):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        newer = changed(experiment, parameters={"temperature": 1})
        calls = len(endpoint.calls)
        further = again(experiment, candidate=newer, baseline=experiment.candidate)
        assert len(endpoint.calls) == calls + EXAMPLES
    assert reused(further) == {"baseline": EXAMPLES}
    origins = Output.objects.filter(pk__in=further.outputs.values("reused_from"))
    assert set(origins.values_list("run__arm", "experiment")) == {("candidate", experiment.pk)}
