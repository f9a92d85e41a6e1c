"""Answers from passages, of a service that says what it retrieved, judged beside their lexical forms."""

import json

import pytest

from evaltrack import clock
from experiments import recomputation, registration
from experiments.models import Experiment, ExperimentStatus, MetricResult
from experiments.running import scheduler
from tests.endpoint import Reply, serve
from tests.experiments.judging.playing import material, replies, with_judge
from tests.factories import experiments, judges

FORMS = (
    "judge_claim_coverage",
    "judge_faithfulness",
    "judge_hallucination_rate",
    "judge_answer_relevance",
    "judge_context_precision",
    "judge_context_recall",
    "judge_citation_precision",
    "judge_citation_recall",
)
PASSAGES = ["A parcel costs 5 euros.", "Returns are free for 30 days."]
TRUTHFUL = "A parcel costs 5 euros. [1]"
INVENTED = "A parcel costs 5 euros. [1] It is brought by a dragon. [2]"


def service(call) -> Reply:
    text = INVENTED if call.body["version"] == "v1.0.0" else TRUTHFUL
    return Reply(json.dumps({"answer": text, "documents": PASSAGES}).encode())


def judge(call) -> Reply:
    """Believes what has words in common, and finds dragons nowhere."""
    given = material(call)
    if "question" in given and "answer" in given:
        return replies(score=5 if "euros" in given["answer"] else 1)
    items = [
        text
        for name, text in given.items()
        if name.startswith(("claim ", "sentence "))
        or (name.startswith("passage ") and " of pair" not in name and "question" in given)
    ]
    # Of a pair only its sentence stands for it, once for each passage that it cites.
    return replies(verdicts=["dragon" not in text and "Returns" not in text for text in items])


@pytest.mark.django_db
def test_every_form_is_asked_of_a_service_with_passages_and_finds_what_was_invented(people, impatient):
    with serve(with_judge(judge, service)) as endpoint:
        judges.judge(people["owner"], people["platform"], base_url=endpoint.base_url)
        row = experiments.component(people["owner"], people["platform"], suite=judges.suite(*FORMS))
        versions = [
            registration.register_version(
                row,
                version=version,
                body={
                    "target": {"kind": "http_json", "base_url": f"{endpoint.base_url}/ask"},
                    "request": {"question": "{{ question }}", "version": version},
                    "response": {"answer": "answer", "contexts": "documents"},
                },
                by=people["platform"],
                at=clock.now(),
            )
            for version in ("v1.1.0", "v1.0.0")
        ]
        golden = experiments.published(
            people["custodian"],
            [
                {
                    "id": f"q{n}",
                    "input": {"question": f"What does parcel {n} cost?"},
                    "expected": {"answer": "It costs 5 euros.", "claims": ["It costs 5 euros."]},
                }
                for n in range(10)
            ],
            slug="parcels",
        )
        experiment = experiments.asked(*versions, golden)
        scheduler.drain()
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    assert experiment.status == ExperimentStatus.DECIDED, experiment.reason
    rows = MetricResult.objects.filter(run__experiment=experiment, metric__in=FORMS)
    found = {
        (arm, metric): values[0] for arm, metric, values in rows.values_list("run__arm", "metric", "values")
    }
    assert {metric: (found["baseline", metric], found["candidate", metric]) for metric in FORMS} == {
        "judge_claim_coverage": (1.0, 1.0),
        "judge_faithfulness": (0.5, 1.0),
        "judge_hallucination_rate": (1.0, 0.0),
        "judge_answer_relevance": (1.0, 1.0),
        "judge_context_precision": (1.0, 1.0),
        "judge_context_recall": (1.0, 1.0),
        "judge_citation_precision": (0.5, 1.0),
        "judge_citation_recall": (0.5, 1.0),
    }
    assert recomputation.recompute(experiment).ok
