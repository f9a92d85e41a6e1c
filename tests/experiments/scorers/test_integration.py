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
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock], check=True
        )
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
    """A model that finds everything right that is about the first example, in whatever words it is asked."""
    right = not any(words in call.question for words in ("30 days", "We sell shoes"))
    word = "yes" if right else "no"
    claim = "It takes 30 days." if "30 days" in call.question else "It is so."
    statement = {"statement": "It is so.", "reason": "", "verdict": int(right), "attributed": int(right)}
    return says(
        json.dumps(
            {
                "statements": [statement] if "NLIStatementOutput" in call.question else [claim],
                "classifications": [statement],
                "claims": [claim],
                "truths": ["It is so."],
                "verdicts": [{"verdict": word, "reason": ""}],
                "steps": ["Look."],
                "score": 10 if right else 0,
                "reason": "",
            }
        )
    )


@pytest.mark.parametrize(
    "metric", [each.name for each in (*scored.RAGAS, *scored.DEEPEVAL) if "base_url" in each.takes]
)
def test_metrics_that_ask_a_model_ask_the_one_that_the_suite_names(ask, metric, monkeypatch):
    monkeypatch.setenv("MODEL_KEY", "a key")
    criteria = {"criteria": "It says when."} if "criteria" in REGISTRY[metric].takes else {}
    with serve(model) as endpoint:
        found = ask(metric, base_url=endpoint.base_url, model="judge-1", api_key_env="MODEL_KEY", **criteria)
        assert endpoint.asked_by.keys() == {"judge-1"}
        assert {call.authorization for call in endpoint.calls} == {"Bearer a key"}
    assert found == [pytest.approx(1.0), pytest.approx(0.0)]


def test_a_model_that_fails_is_a_reason(ask):
    with serve(lambda call: Reply(b"", 401)) as endpoint:
        found = ask("deepeval:answer_relevancy", base_url=endpoint.base_url, model="judge-1")
    assert found[0] == Undefined("deepeval: RuntimeError: the model's endpoint answered 401")


def test_an_experiment_is_decided_by_both_and_verified(people, settings, interpreters):
    settings.SCORERS = interpreters
    rules = {
        "metrics": [
            {"metric": "ragas:non_llm_string_similarity", "margin": 0.05},
            {"metric": "deepeval:exact_match", "margin": 0.05},
        ]
    }
    experiment = experiments.submitted(**people, suite=rules)
    experiments.answer_all(experiment, experiments.right_for([Arm.CANDIDATE]))
    started = time.monotonic()
    while not Experiment.objects.filter(pk=experiment.pk, status=ExperimentStatus.DECIDED).exists():
        assert time.monotonic() - started < 120
        conclusion.conclude(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    print(f"\n120 values in {time.monotonic() - started:.0f} s")
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    assert [row.outcome for row in experiment.comparisons.all()] == ["PASS", "PASS"]
    assert any("ragas 0" in versions for versions in GivenValue.objects.values_list("versions", flat=True))
    assert recompute(experiment).findings == ()


def test_the_name_datasets_is_theirs_there(interpreters):
    """From our own folder, with our own folder named: `-I` is what keeps ours away."""
    asked = "import datasets; print(datasets.__file__)"
    ran = subprocess.run(
        [interpreters["ragas"], "-I", "-c", asked],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "site-packages" in ran.stdout
    assert str(ROOT / "datasets") not in ran.stdout
