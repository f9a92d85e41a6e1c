"""Ragas and DeepEval themselves, installed from their lock files into interpreters of their own: `-m integration`.

    make test ARGS="-m integration tests/experiments/scorers"

Where `EVALTRACK_SCORERS` names interpreters that are made already (`make scorers`), those are used.
"""

import json
import subprocess
import sys
import time

import pytest

from evaltrack import clock, env
from evaltrack.stats.estimate import Undefined
from experiments import conclusion
from experiments.metrics import REGISTRY, scored
from experiments.models import Arm, Experiment, ExperimentStatus, GivenValue
from experiments.recomputation import recompute
from experiments.scorers.isolated import Isolated
from experiments.suite import MetricRule
from tests.architecture.sources import ROOT
from tests.endpoint import Call, Reply, says, serve
from tests.factories import experiments

pytestmark = pytest.mark.integration

PASSAGE = "Refunds are paid within 14 days. Shipping costs 5 euros."
EXAMPLES = [
    {
        "input": "When are refunds paid?",
        "answer": "Refunds are paid within 14 days.",
        "expected": "Refunds are paid within 14 days.",
        "contexts": [PASSAGE],
        "reference_contexts": [PASSAGE],
    },
    {
        "input": "When are refunds paid?",
        "answer": "refunds are paid within 30 days",
        "expected": "Refunds are paid within 14 days.",
        "contexts": ["We sell shoes, in all colours and sizes."],
        "reference_contexts": [PASSAGE],
    },
]


@pytest.fixture(scope="module")
def interpreters(tmp_path_factory):
    """An interpreter for each scorer, made as `make scorers` makes them."""
    made = env.pairs("EVALTRACK_SCORERS", "")
    for name in {"ragas", "deepeval"} - set(made):
        started = time.monotonic()
        folder = tmp_path_factory.mktemp(name) / "venv"
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        python = str(folder / "bin" / "python")
        lock = str(ROOT / f"requirements-{name}.txt")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock], check=True)
        print(f"\n{name} was installed in {time.monotonic() - started:.0f} s")
        made[name] = python
    return made


@pytest.fixture
def ask(settings, interpreters):
    settings.SCORERS = interpreters
    settings.SCORER_SECONDS = 60

    def values(metric: str, **parameters):
        with Isolated(MetricRule(metric, parameters=parameters), REGISTRY[metric].scorer) as scorer:
            found = scorer.ask(EXAMPLES)
            print(f"\n{metric}: {[found[place].value for place in sorted(found)]}; {found[0].versions}")
        assert len(found) == len(EXAMPLES)
        return [found[place].value for place in sorted(found)]

    return values


@pytest.mark.parametrize(
    ("metric", "parameters", "right", "wrong"),
    [
        ("ragas:exact_match", {}, 1.0, 0.0),
        ("ragas:non_llm_string_similarity", {}, 1.0, 28 / 32),
        ("ragas:non_llm_string_similarity", {"distance_measure": "hamming"}, 1.0, 28 / 32),
        ("ragas:rouge_score", {}, 1.0, 5 / 6),
        ("ragas:rouge_score", {"rouge_type": "rouge1"}, 1.0, 5 / 6),
        ("ragas:bleu_score", {}, 1.0, None),
        ("ragas:chrf_score", {}, 1.0, None),
        ("ragas:non_llm_context_precision", {}, 1.0, 0.0),
        ("ragas:non_llm_context_recall", {"threshold": 0.9}, 1.0, 0.0),
        ("deepeval:exact_match", {}, 1.0, 0.0),
        ("deepeval:quasi_exact_match", {}, 1.0, 0.0),
        ("deepeval:pattern_match", {"pattern": r"Refunds .* 14 days\."}, 1.0, 0.0),
    ],
)
def test_metrics_that_ask_no_model_have_the_values_that_one_computes_by_hand(
    ask, metric, parameters, right, wrong
):
    found = ask(metric, **parameters)
    assert found[0] == pytest.approx(right)
    assert 0 <= found[1] < 1 if wrong is None else found[1] == pytest.approx(wrong)


def model(call: Call) -> Reply:
    return says("{}")


def test_dump(ask):
    with serve(model) as endpoint:
        for metric in [*scored.RAGAS, *scored.DEEPEVAL]:
            if "base_url" in metric.takes:
                extra = {"criteria": "It is polite."} if "criteria" in metric.takes else {}
                n = len(endpoint.calls)
                ask(metric.name, base_url=endpoint.base_url, model="m", **extra)
                with open("/tmp/sc/dump.txt", "a") as f:
                    f.write(f"##### {metric.name}\n")
                    for call in endpoint.calls[n:]:
                        f.write(f"---\n{call.question[:700]}\n.....\n{call.question[-900:]}\n")
