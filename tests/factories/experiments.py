"""Components, datasets and experiments, up to a verdict, without calling any endpoint."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

from datasets import ingest, versions
from datasets.models import DatasetVersion
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.stats.estimate import Estimate
from experiments import conclusion, evidence, extension, promotion, registration, submission
from experiments.models import (
    Arm,
    Component,
    ComponentVersion,
    Experiment,
    LiveTest,
    Outcome,
    Output,
    OutputState,
    Verdict,
)
from experiments.proxies import Validity
from experiments.running import planning
from experiments.submission import Question

SUITE: dict[str, Any] = {
    "metrics": [
        {"metric": "exact_match", "role": "gating", "margin": 0.05},
        {"metric": "token_f1", "role": "gating", "margin": 0.05},
        {"metric": "latency_p50", "role": "guardrail", "margin": 1000},
    ],
    "human": {
        "items": 6,
        "overlap": 2,
        "margin": 0.5,
        "floor": 0.0,
        "proxy": "exact_match",
        "proxy_may_pass": True,
    },
}


def dataset_version(
    custodian: User, *, examples: int = 30, slug: str = "golden", version: str = "1.0"
) -> DatasetVersion:
    """A published version with `examples` sums: q0 "What is 0 plus 1?" with the answer "1", and so on."""
    rows = [
        {"id": f"q{n}", "input": f"What is {n} plus 1?", "expected": str(n + 1), "tags": ["sums"]}
        for n in range(examples)
    ]
    return published(custodian, rows, slug=slug, version=version)


def published(
    custodian: User, rows: Sequence[dict[str, Any]], *, slug: str, version: str = "1.0"
) -> DatasetVersion:
    """A published version of these examples."""
    at = clock.now()
    dataset = ingest.register(
        slug=slug, name=slug, use_case="", sensitivity="internal", custodian=custodian, by=custodian, at=at
    )
    lines = [json.dumps(row).encode() + b"\n" for row in rows]
    draft = ingest.take_in(dataset, version=version, lines=lines, by=custodian, at=at)
    return versions.publish(draft, by=custodian, at=at)


def component(
    owner: User, by: User, *, name: str = "adder", risk: str = "low", suite: dict[str, Any] = SUITE
) -> Component:
    policy = registration.activate_policy(f"{name}-policy", suite, by=by, at=clock.now())
    return registration.register_component(
        name=name, kind="prompt", risk=risk, owner=owner, policy=policy, by=by, at=clock.now()
    )


def component_version(
    row: Component,
    by: User,
    *,
    version: str,
    base_url: str = "http://127.0.0.1:9/v1",
    model: str = "",
    **target: Any,
) -> ComponentVersion:
    body = {
        "target": {"kind": "openai_chat", "base_url": base_url, "model": model or version, **target},
        "prompt": {"user": "{{ input }}"},
        "parameters": {"temperature": 0},
    }
    return registration.register_version(row, version=version, body=body, by=by, at=clock.now())


def submitted(
    *,
    owner: User,
    platform: User,
    custodian: User,
    examples: int = 30,
    risk: str = "low",
    base_url: str = "http://127.0.0.1:9/v1",
    suite: dict[str, Any] = SUITE,
    name: str = "adder",
    tier: str = "standard",
    **target: Any,
) -> Experiment:
    """A queued experiment of v1.1.0 against v1.0.0, submitted by the owner; versions are the platform's."""
    row = component(owner, platform, name=name, risk=risk, suite=suite)
    golden = dataset_version(custodian, examples=examples, slug=f"golden-{name}")
    candidate = component_version(row, platform, version="v1.1.0", base_url=base_url, **target)
    baseline = component_version(row, platform, version="v1.0.0", base_url=base_url, **target)
    return asked(candidate, baseline, golden, tier=tier)


def asked(
    candidate: ComponentVersion, baseline: ComponentVersion, golden: DatasetVersion, *, tier: str = "standard"
) -> Experiment:
    """A queued experiment of two versions that exist, submitted by their component's owner."""
    row = candidate.component
    question = Question(
        component=row,
        candidate=candidate,
        baseline=baseline,
        dataset_version=golden,
        policy=submission.policy_of(row),
        tier=tier,
    )
    return submission.submit(question, by=row.owner, at=clock.now())


# What an answer fills in, in one statement for all rows: to write each whole row anew took half of the time of
# many tests.
ANSWER = (
    f"UPDATE {Output._meta.db_table} SET state = %s, finished_at = %s, outcome = %s, text = %s, error = %s, "
    "latency_ms = 20, input_tokens = 8, output_tokens = 1 WHERE id = %s"
)


def answer_all(experiment: Experiment, says: Callable[[Arm, Output, str], str | None]) -> None:
    """Start the experiment and finish every open output with what `says` answers; None is a target error."""
    planning.start(experiment, at=clock.now())
    expected = {
        example.id: str(example.expected) for example in versions.examples(experiment.dataset_version)
    }
    at = connection.ops.adapt_datetimefield_value(clock.now())
    answers = []
    for output in experiment.outputs.exclude(state=OutputState.DONE).select_related("run"):
        text = says(Arm(output.run.arm), output, expected[output.example_id])
        outcome = Outcome.TARGET_ERROR if text is None else Outcome.ANSWERED
        error = "" if text is not None else "rejected: HTTP 400"
        answers.append((OutputState.DONE.value, at, outcome.value, text or "", error, output.pk))
    with connection.cursor() as cursor:
        cursor.executemany(ANSWER, answers)


def right_for(arms: Sequence[Arm]) -> Callable[[Arm, Output, str], str]:
    """Answers that are right in `arms`; the others are wrong on every third example."""

    def says(arm: Arm, output: Output, expected: str) -> str:
        return expected if arm in arms or output.position % 3 else "I do not know"

    return says


def partly_right(shares: dict[Arm, float], examples: int) -> Callable[[Arm, Output, str], str]:
    """Each arm is right on its share of the examples, the first ones."""
    return lambda arm, output, expected: expected if output.position < shares[arm] * examples else "no"


def several(
    shares: dict[str, float],
    *,
    owner: User,
    platform: User,
    custodian: User,
    examples: int = 60,
    **given: Any,
) -> list[Experiment]:
    """Concluded experiments of one component: each version against the first, right on its share of examples."""
    row = component(owner, platform, **given)
    golden = dataset_version(custodian, examples=examples, slug=f"golden-{row.name}")
    versions_of = {name: component_version(row, platform, version=name) for name in shares}
    first, *others = versions_of
    found = []
    for other in others:
        experiment = asked(versions_of[other], versions_of[first], golden)
        answer_all(
            experiment, partly_right({Arm.CANDIDATE: shares[other], Arm.BASELINE: shares[first]}, examples)
        )
        conclusion.conclude(experiment, at=clock.now())
        found.append(Experiment.objects.with_names().get(pk=experiment.pk))
    return found


KNOWN = Validity(
    labels=120,
    campaigns=5,
    candidates=5,
    bias=Estimate(0.02, -0.05, 0.09, 120, "test"),
    favour=Estimate(0.02, -0.08, 0.12, 5, "test"),
    margin=0.5,
    eligible=True,
    reasons=("120 human labels of the last 90 days; 100 are asked for",),
    lacks=(),
)


def proxy_stands_in(experiment: Experiment, lead: User, *, at: dt.datetime | None = None) -> Verdict:
    """A proxy that is known to agree with people stands in for them, who have judged nothing."""
    return evidence.record_proxy_evidence(
        experiment.pk, validity=KNOWN, missing=12, by=lead, reason="They are late.", at=at or clock.now()
    )


def measured(*, better: bool = True, same: bool = False, **given: Any) -> Experiment:
    """A concluded experiment, in which the candidate is better, equal or worse than the baseline."""
    experiment = submitted(**given)
    right = list(Arm) if same else [Arm.CANDIDATE] if better else [Arm.BASELINE]
    answer_all(experiment, right_for(right))
    conclusion.conclude(experiment, at=clock.now())
    return Experiment.objects.with_names().get(pk=experiment.pk)


def extended(
    before: Experiment, says: Callable[[Arm, Output, str], str | None], tier: str = "extended"
) -> Experiment:
    """The concluded extension of a concluded experiment, whose new examples are answered by `says`."""
    experiment = extension.extend(before, tier=tier, by=before.component.owner, at=clock.now())
    answer_all(experiment, says)
    conclusion.conclude(experiment, at=clock.now())
    return Experiment.objects.with_names().get(pk=experiment.pk)


def live_test(experiment: Experiment, *, by: User, metric: str = "exact_match") -> LiveTest:
    """One that is running, whatever its experiment says."""
    return LiveTest.objects.create(
        public_id="abt-20260101-001",
        component=experiment.component,
        experiment=experiment,
        metric=metric,
        margin=0.05,
        treatment_share=0.5,
        planned_units=1000,
        started_by=by,
        started_at=clock.now(),
    )


def promoted(
    candidate: ComponentVersion,
    baseline: ComponentVersion,
    golden: DatasetVersion,
    *,
    approver: User,
    shares: tuple[float, float],
    examples: int,
) -> Experiment:
    """An experiment whose candidate and baseline are right on these shares of it, and then is in production."""
    asked_for = asked(candidate, baseline, golden)
    right = dict(zip((Arm.CANDIDATE, Arm.BASELINE), shares, strict=True))
    answer_all(asked_for, partly_right(right, examples))
    conclusion.conclude(asked_for, at=clock.now())
    found = Experiment.objects.with_names().get(pk=asked_for.pk)
    request = promotion.request(
        found, environment="production", reason="It passed.", by=found.component.owner, at=clock.now()
    )
    promotion.approve(
        request.pk, by=approver, reason="I read it.", seen_digest=request.decision_digest, at=clock.now()
    )
    return found
