"""Nothing that an evaluator can obtain tells which system wrote what.

An evaluator walks every page, fragment and API answer within reach, and knocks on every other door with real
ids; nothing of what comes back, headers included, may hold a word that names a system.
"""

import json

import pytest

from annotation import opening
from datasets import ingest, versions
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.integrations.replies import Reply
from experiments import conclusion, submission
from experiments.models import Experiment, Output, RawReply
from experiments.submission import Question
from tests.accounts.callers import bearer, signed_in
from tests.annotation.leaks.crawler import Crawler
from tests.factories import experiments

URL = "http://127.0.0.1:9911/zz-secret-endpoint/v1"


@pytest.fixture
def experiment(owner, platform, custodian, lead):
    """An experiment in which everything that could betray a system has a name of its own."""
    at = clock.now()
    dataset = ingest.register(
        slug="zz-secret-dataset", name="zz-secret-title", use_case="", sensitivity="internal",
        custodian=custodian, by=custodian, at=at,
    )  # fmt: skip
    rows = [
        {"id": f"zz-secret-example-{n}", "input": f"What is {n} plus 1?", "expected": str(n + 1)}
        for n in range(20)
    ]
    lines = [f"{json.dumps(row)}\n".encode() for row in rows]
    draft = ingest.take_in(dataset, version="77.1", lines=lines, by=custodian, at=at)
    component = experiments.component(owner, platform, name="zz-secret-component", risk="high")
    new, old = (
        experiments.component_version(
            component, platform, version=version, base_url=URL, model=f"zz-secret-model-{version}"
        )
        for version in ("v771.3.0", "v771.2.0")
    )
    question = Question(
        component=component,
        candidate=new,
        baseline=old,
        dataset_version=versions.publish(draft, by=custodian, at=at),
        policy=component.policy,
        hypothesis="zz-secret-hypothesis",
    )
    row = submission.submit(question, by=owner, at=clock.now())
    experiments.answer_all(
        row, lambda arm, output, right: f"{'It is' if arm == 'candidate' else 'Perhaps'} {right}."
    )
    raw = RawReply.of(Reply(b'{"model": "zz-secret-raw-reply"}'))
    raw.save()
    Output.objects.update(
        raw_reply=raw,
        latency_ms=918_273,
        input_tokens=736_455,
        output_tokens=645_546,
        endpoint_model="zz-secret-served-model",
        endpoint_fingerprint="zz-secret-fingerprint",
    )
    conclusion.conclude(row, at=clock.now())
    return Experiment.objects.with_names().get(pk=row.pk)


@pytest.fixture
def campaign(experiment, both):
    """Opened after the evaluators have come, so that they are told of it."""
    return opening.open_campaign(experiment, at=clock.now())


@pytest.fixture
def forbidden(campaign, experiment):
    words = {
        "zz-secret",
        "771.",
        "127.0.0.1:9911",
        "918273",
        "918,273",
        "736455",
        "645546",
        experiment.public_id,
        experiment.candidate.digest,
        experiment.baseline.digest,
        experiment.policy.digest,
        experiment.plan.digest,
        experiment.dataset_version.digest,
        campaign.seed,
        *(str(run.public_id) for run in experiment.runs.all()),
        *(str(task.public_id) for task in campaign.tasks.all()),
        *experiment.outputs.values_list("raw_reply", flat=True),
        *(verdict.evidence_digest for verdict in experiment.verdicts.all()),
    }
    return sorted(words)


@pytest.fixture
def crawler(campaign, both, forbidden):
    return Crawler(signed_in(both[0]), both[0], forbidden)


@pytest.fixture
def api(campaign, both, forbidden):
    return Crawler(bearer(both[0], Permission.JUDGE), both[0], forbidden)
