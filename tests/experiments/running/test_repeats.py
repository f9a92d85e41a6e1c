"""Examples that are asked several times, from the call to the verdict and back."""

from collections import Counter

import pytest

from experiments import policies, recomputation
from experiments.models import ExperimentStatus, MetricResult, Outcome
from tests.endpoint import HANGS_UP, adds, asked, says, serve
from tests.factories import experiments

pytestmark = pytest.mark.django_db
SUITE = {**experiments.SUITE, "repeats": 3}


def sometimes_wrong(call):
    """The second of three answers to every even sum is wrong, of the candidate alone."""
    wrong = call.model == "v1.1.0" and asked(call) % 2 == 0 and call.nth == 2
    return says("I do not know") if wrong else adds(call)


def test_every_example_is_asked_as_often_as_the_policy_says_and_its_value_is_the_mean(run):
    with serve(sometimes_wrong) as endpoint:
        experiment = run(endpoint, examples=10, suite=SUITE)
    assert endpoint.asked_by == {"v1.0.0": 30, "v1.1.0": 30}
    assert experiment.status == ExperimentStatus.DECIDED
    values = MetricResult.objects.get(
        run__experiment=experiment, run__arm="candidate", metric="exact_match"
    ).values
    assert sorted(values.tolist()) == pytest.approx([2 / 3] * 5 + [1.0] * 5)
    compared = experiment.comparisons.get(metric="exact_match")
    assert (compared.kind, compared.n) == ("continuous", 10)
    assert compared.delta["value"] == pytest.approx(-1 / 6)
    assert experiment.plan.body["repeats"] == 3


def test_the_repeats_of_an_example_lie_apart(run):
    with serve(adds) as endpoint:
        experiment = run(endpoint, examples=10, suite=SUITE)
    places = experiment.outputs.order_by("order").values_list("repeat", flat=True)
    assert list(places) == [0] * 20 + [1] * 20 + [2] * 20


def test_the_verdict_is_computed_again_from_the_repeats(run):
    with serve(sometimes_wrong) as endpoint:
        experiment = run(endpoint, examples=10, suite=SUITE)
    found = recomputation.recompute(experiment)
    assert found.findings == ()


def test_repeats_that_failed_leave_the_one_that_did_not(run):
    """Connections that break off are left out of the mean; the example is not."""

    def behave(call):
        breaks = asked(call) == 4 and call.model == "v1.0.0" and call.nth >= 2
        return HANGS_UP if breaks else adds(call)

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=20, suite=SUITE)
    ended = experiment.outputs.filter(example_id="q4", run__arm="baseline").values_list("outcome", flat=True)
    assert Counter(ended) == {Outcome.ANSWERED: 1, Outcome.INFRASTRUCTURE_ERROR: 2}
    assert experiment.status == ExperimentStatus.DECIDED
    assert experiment.comparisons.get(metric="exact_match").n == 20


def test_the_page_of_examples_shows_each_example_once(run, client, people):
    with serve(sometimes_wrong) as endpoint:
        experiment = run(endpoint, examples=10, suite=SUITE)
    client.force_login(people["owner"])
    page = client.get(f"{experiment.get_absolute_url()}examples/?metric=exact_match&group=worse")
    assert page.status_code == 200
    text = page.content.decode()
    assert [text.count(f">q{n}<") > 0 for n in range(10)] == [n % 2 == 0 for n in range(10)]


def test_what_is_brought_from_outside_is_not_asked_repeatedly(people):
    experiment = experiments.submitted(**people)
    experiment.candidate.configuration = {"target": {"kind": "uploaded"}}
    refusal = policies.repeating(3, [experiment.candidate, experiment.baseline])
    assert refusal.code == "brought_once"
    assert policies.repeating(1, [experiment.candidate]) is None
