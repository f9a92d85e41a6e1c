"""Acts: submit an experiment, cancel one, run one again."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django_q.tasks import async_task

from datasets.models import DatasetVersion, VersionState
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, NotFound, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments import lifecycle, numbering, policies, pricing, suite, targets
from experiments.judging import judges
from experiments.models import (
    Component,
    ComponentVersion,
    Environment,
    Experiment,
    ExperimentStatus,
    GatePolicy,
    Lane,
    Tier,
)

LANE_OF_TIER = {Tier.SMOKE: Lane.GATE, Tier.STANDARD: Lane.STANDARD, Tier.EXTENDED: Lane.EXTENDED}
DEFAULT_POLICY = "default"


@dataclass(frozen=True)
class Question:
    """What an experiment asks. `baseline` None: the version that is in production now."""

    component: Component
    candidate: ComponentVersion
    baseline: ComponentVersion
    dataset_version: DatasetVersion
    policy: GatePolicy
    tier: str = Tier.STANDARD
    hypothesis: str = ""
    context: dict[str, Any] = field(default_factory=dict)
    # The most that answers may cost, in millionths of a US dollar; None: no limit.
    budget_micro: int | None = None


def find_version(component: Component, version: str) -> ComponentVersion:
    found = component.versions.filter(version=version).first()
    if found is None:
        known = ", ".join(component.versions.order_by("-created_at").values_list("version", flat=True)[:5])
        raise NotFound(
            "no_such_version",
            f"{component} has no version {version!r}; it has {known or 'none yet'}. Register the version first.",
        )
    return found


def production_version(component: Component) -> ComponentVersion:
    deployment = component.deployments.filter(environment=Environment.PRODUCTION, ended_at=None).first()
    if deployment is None:
        raise Invalid(
            "no_baseline",
            f"{component} has nothing in production to compare with; name a baseline.",
            {"baseline": ["is needed while nothing is in production"]},
        )
    return deployment.version


def policy_of(component: Component) -> GatePolicy:
    policy = component.policy or GatePolicy.objects.filter(name=DEFAULT_POLICY).order_by("-version").first()
    if policy is None:
        raise Invalid(
            "no_suite",
            f"{component} has no gate policy and there is no default one; send a suite with the experiment.",
            {"suite": ["is needed"]},
        )
    return policy


@transaction.atomic
def submit(question: Question, *, by: User, at: dt.datetime, extends: Experiment | None = None) -> Experiment:
    """Queue an experiment and wake a worker. Nothing is measured yet; the plan is locked when it starts.

    `extends`: the experiment of which this is a further look. It belongs to the same attempt.
    """
    component = question.component
    refuse_if(policies.changing(by, component))
    # Of two at once the second waits, and counts the first.
    Component.objects.select_for_update().get(pk=component.pk)
    if question.candidate == question.baseline:
        raise Invalid(
            "same_version",
            "Candidate and baseline are the same version; there is nothing to compare.",
            {"candidate": ["must differ from the baseline"]},
        )
    if question.dataset_version.state != VersionState.PUBLISHED:
        raise Invalid(
            "dataset_draft",
            f"{question.dataset_version} is a draft; its custodian publishes it before it can be evidence.",
            {"dataset": ["is not published"]},
        )
    for version in (question.candidate, question.baseline):
        refuse_if(policies.asking(targets.parse(version.configuration)))
        if question.budget_micro is not None:
            refuse_if(pricing.capping(version, at=at))
    rules = suite.parse(question.policy.body)
    for judge in judges.of(rules).values():
        refuse_if(policies.asking(targets.parse(judge.configuration)))
        if question.budget_micro is not None:
            refuse_if(pricing.capping(judge, at=at))
    refuse_if(policies.repeating(rules.repeats, [question.candidate, question.baseline]))
    refuse_if(policies.scoring(rules))
    refuse_if(policies.looking(component, question.dataset_version))
    attempts = Experiment.objects.filter(
        component=component, dataset_version=question.dataset_version, extends=None
    )
    experiment = Experiment.objects.create(
        public_id=numbering.next_public_id(numbering.EXPERIMENT, at=at),
        component=component,
        candidate=question.candidate,
        baseline=question.baseline,
        dataset_version=question.dataset_version,
        policy=question.policy,
        tier=question.tier,
        lane=LANE_OF_TIER[Tier(question.tier)],
        hypothesis=question.hypothesis,
        context=question.context,
        budget_micro=question.budget_micro,
        needs_people=suite.needs_people(
            rules,
            risk=component.risk,
            candidate=question.candidate.version,
            baseline=question.baseline.version,
        ),
        attempt=extends.attempt if extends else attempts.count() + 1,
        extends=extends,
        submitted_by=by,
        submitted_at=at,
    )
    # The queue's table is in this database: the wake-up commits with the row or not at all.
    async_task("experiments.jobs.drain")
    record(
        Event.EXPERIMENT_SUBMITTED,
        by=by,
        subject=experiment,
        facts={
            "component": component.name,
            "candidate": question.candidate.digest,
            "baseline": question.baseline.digest,
            "dataset": question.dataset_version.digest,
            "tier": str(question.tier),
            "policy": question.policy.digest,
        }
        | ({"extends": extends.public_id} if extends else {}),
        at=at,
    )
    return experiment


@transaction.atomic
def cancel(experiment: Experiment, *, by: User, at: dt.datetime) -> Experiment:
    """End an experiment without a verdict. What was collected stays; nothing more is asked."""
    refuse_if(policies.changing(by, experiment.component))
    if experiment.status == ExperimentStatus.CANCELLED:
        return experiment
    if lifecycle.EXPERIMENT.edges[ExperimentStatus(experiment.status)] == frozenset():
        raise Conflict(
            "already_ended", f"{experiment} is {experiment.status}; it cannot be cancelled any more."
        )
    lifecycle.EXPERIMENT.advance(experiment, to=ExperimentStatus.CANCELLED, finished_at=at)
    record(Event.EXPERIMENT_CANCELLED, by=by, subject=experiment, facts={}, at=at)
    return experiment


def rerun(experiment: Experiment, *, by: User, at: dt.datetime) -> Experiment:
    """The same question as a new experiment; it counts as a further attempt on the dataset."""
    return submit(question_of(experiment), by=by, at=at)


def question_of(experiment: Experiment) -> Question:
    return Question(
        component=experiment.component,
        candidate=experiment.candidate,
        baseline=experiment.baseline,
        dataset_version=experiment.dataset_version,
        policy=experiment.policy,
        tier=experiment.tier,
        hypothesis=experiment.hypothesis,
        context=experiment.context,
        budget_micro=experiment.budget_micro,
    )
