import pytest

from experiments.models import Experiment, ExperimentStatus
from tests.endpoint import serve, wrong_on
from tests.experiments.reuse.playing import EXAMPLES, SUITE, again
from tests.experiments.running.test_budget import priced  # noqa: F401


@pytest.fixture
def first(run):
    """An experiment that has asked everything of `endpoint`, and allows that it is reused."""

    def evaluate(endpoint, **given) -> Experiment:
        experiment = run(endpoint, **{"examples": EXAMPLES, "suite": SUITE} | given)
        assert experiment.status == ExperimentStatus.DECIDED, experiment.reason
        assert not experiment.outputs.exclude(reused_from=None).exists()
        return experiment

    return evaluate


@pytest.fixture
def partly(first):
    """A decided experiment of which all but two answers are reused."""
    with serve(wrong_on("v1.0.0", *range(3, 10))) as endpoint:
        experiment = first(endpoint)
        experiment.outputs.filter(example_id="q2").update(cache_key=None)
        yield again(experiment)
