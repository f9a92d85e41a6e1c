"""The root over a run's outputs binds contexts and citations, and is what it was where there are none."""

import pytest

from evaltrack import clock
from evaltrack.canonical import canonical_json
from evaltrack.ledger import merkle
from experiments import verdicts
from experiments.models import Output, Run
from experiments.running import planning


@pytest.fixture
def run(asked) -> Run:
    experiment = asked(examples=10)
    planning.start(experiment, at=clock.now())
    return experiment.runs.get(arm="candidate")


def test_outputs_without_contexts_have_the_root_that_they_had_before_there_were_any(run):
    rows = run.outputs.order_by("position").values_list(
        "example_id", "repeat", "outcome", "text", "error", "latency_ms", "input_tokens", "output_tokens"
    )
    before = merkle.root([merkle.leaf_hash(canonical_json(row)) for row in rows]).hex()
    assert verdicts.outputs_root(run) == before


@pytest.mark.parametrize(
    "told",
    [{"contexts": []}, {"citations": []}, {"contexts": ["a"]}, {"citations": ["a"]}, {"contexts": ["", ""]}],
)
def test_contexts_and_citations_change_the_root(run, told):
    before = verdicts.outputs_root(run)
    Output.objects.filter(run=run, example_id="q3").update(**told)
    assert verdicts.outputs_root(run) != before
