"""What differed from the plan is written down, shown, and computed again."""

import pytest

from evaltrack import clock
from experiments import conclusion
from experiments.models import Arm, Experiment, Output, TestPlan
from experiments.recomputation import recompute
from tests.accounts.callers import bearer, signed_in
from tests.factories import experiments

pytestmark = pytest.mark.django_db


def concluded(people, says=None, change=None):
    experiment = experiments.submitted(
        **people, examples=40, suite=experiments.SUITE | {"max_error_share": 0.5}
    )
    experiments.answer_all(experiment, says or experiments.right_for(list(Arm)))
    if change:
        change(Output.objects.filter(experiment=experiment))
    conclusion.conclude(experiment, at=clock.now())
    return Experiment.objects.with_names().get(pk=experiment.pk)


def test_where_everything_went_as_planned_there_is_none(people):
    experiment = concluded(people)
    assert experiment.plan.deviations == []
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert "<dt>Deviations</dt><dd>none</dd>" in page


def test_calls_that_failed_are_counted_by_arm(people, ci):
    def says(arm, output, expected):
        return None if arm == Arm.BASELINE and output.position < 3 else expected

    experiment = concluded(people, says)
    sentence = "3 of 40 examples have no answer of the baseline: the call failed."
    assert experiment.plan.deviations == [sentence]
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert sentence in page
    told = bearer(ci, "experiments:view").get(f"/api/v1/experiments/{experiment.public_id}").json()
    assert told["plan"]["deviations"] == [sentence]


def test_an_endpoint_that_changed_its_model_meanwhile(people):
    def change(outputs):
        outputs.update(endpoint_model="m-1")
        outputs.filter(run__arm="candidate", position__gte=30).update(endpoint_model="<b>m-2</b>")

    experiment = concluded(people, change=change)
    assert experiment.plan.deviations == [
        "The endpoint of the candidate named more than one model of itself: <b>m-2</b> (10), m-1 (30) answers."
    ]
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert "<b>m-2</b>" not in page
    assert recompute(experiment).findings == ()


def test_between_two_looks_too(people):
    looks = experiments.SUITE | {"looks": {"to": "extended", "spending": "pocock"}}
    smoke = experiments.measured(**people, examples=40, tier="smoke", suite=looks)
    assert smoke.plan.deviations == []
    Output.objects.filter(experiment=smoke).update(endpoint_fingerprint="fp-1")
    larger = experiments.extended(smoke, experiments.right_for([Arm.CANDIDATE]))
    assert sorted(larger.plan.deviations) == [
        "The endpoint of the baseline named more than one version of itself: nothing (30), fp-1 (10) answers.",
        "The endpoint of the candidate named more than one version of itself: nothing (30), fp-1 (10) answers.",
    ]


def test_what_was_hidden_afterwards_is_found(people):
    experiment = concluded(people, lambda arm, output, expected: expected if output.position else None)
    TestPlan.objects.filter(experiment=experiment).update(deviations=[])
    found = recompute(Experiment.objects.with_names().get(pk=experiment.pk)).findings
    assert "The deviations from the plan are not those that the outputs show." in found
