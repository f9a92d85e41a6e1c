"""Acts: the port through which evidence from people comes in, pushed by whoever gathers it."""

import datetime as dt
from typing import Any

from django.db import transaction

from evaltrack.accounts.models import User
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.stats.estimate import Estimate, Undefined
from experiments import lifecycle, suite, verdicts
from experiments.models import Evidence, EvidenceKind, Experiment, ExperimentStatus, Verdict
from experiments.querysets import ExperimentQuerySet


@transaction.atomic
def record_human_evidence(
    experiment_id: int,
    *,
    net_preference: Estimate | Undefined,
    agreement: Estimate | Undefined,
    judgments: int,
    items: int,
    judgments_root: str,
    by: User,
    at: dt.datetime,
    counts: dict[str, int] | None = None,
    without_each: dict[str, int] | None = None,
) -> Verdict:
    """Take the closed judgments of people, and decide for good. `counts`: how often each answer was given;
    `without_each`: how often each outcome came when one evaluator was left out, each in turn.

    What they judged are answers of every extension too, so these are decided with it.
    """
    experiment = locked(experiment_id)
    body = {
        "net_preference": net_preference.as_json(),
        "agreement": agreement.as_json(),
        "judgments": judgments,
        "items": items,
        "judgments_root": judgments_root,
    }
    if counts is not None:
        body["counts"] = counts
    if without_each is not None:
        body["without_each"] = without_each
    return spread(experiment, body, by=by, at=at)


def inherit(experiment: Experiment, *, at: dt.datetime) -> Verdict | None:
    """Decide an extension by what people said of the answers that it kept, or by the proxy for them; None without.

    Call it inside the act's transaction. The experiment before is locked, so that a campaign which closes at
    this moment comes before this or after it.
    """
    if experiment.extends_id is None:
        return None
    before = locked(experiment.extends_id)
    if human := verdicts.newest(before, EvidenceKind.HUMAN):
        return spread(experiment, named(before, human.body), by=human.recorded_by, at=at)
    if before.status == ExperimentStatus.AWAITING_PEOPLE and (
        proxy := verdicts.newest(before, EvidenceKind.PROXY)
    ):
        return stand_in(experiment, by=proxy.recorded_by, reason=f"As for {before}.", at=at)
    return None


def spread(experiment: Experiment, body: dict[str, Any], *, by: User | None, at: dt.datetime) -> Verdict:
    """Decide an experiment by what people said, and the extensions that wait for them."""
    lifecycle.EXPERIMENT.advance(experiment, to=ExperimentStatus.DECIDED)
    keep(experiment, EvidenceKind.HUMAN, body, by=by, at=at)
    record(
        Event.HUMAN_EVIDENCE_RECORDED,
        by=by or SYSTEM,
        subject=experiment,
        facts={"evidence": digest(body), "judgments": body["judgments"]},
        at=at,
    )
    verdict = verdicts.decide(experiment, cause="people have judged", at=at)
    # One that is cancelled at this moment is left alone, and does not keep the others from their verdicts.
    for extension in locking(experiment.extensions.awaiting_people()):
        spread(extension, named(experiment, body), by=by, at=at)
    return verdict


def named(experiment: Experiment, body: dict[str, Any]) -> dict[str, Any]:
    """The evidence as another experiment has it: with the name of the one whose answers were judged."""
    return {"judged_in": experiment.public_id} | body


@transaction.atomic
def record_proxy_evidence(experiment_id: int, *, by: User, reason: str, at: dt.datetime) -> Verdict:
    """Let the metric that the policy names stand in for people; the verdict becomes provisional.

    People still judge: their evidence supersedes the proxy's when it arrives.
    """
    experiment = locked(experiment_id)
    rule = suite.parse(experiment.policy.body).human
    if rule is None or not rule.proxy:
        raise Invalid(
            "no_proxy", "The gate policy names no proxy metric, so nothing can stand in for people."
        )
    if experiment.status != ExperimentStatus.AWAITING_PEOPLE:
        raise Conflict("not_awaiting", f"{experiment} does not wait for people; there is nothing to unblock.")
    return stand_in(experiment, by=by, reason=reason, at=at)


def stand_in(experiment: Experiment, *, by: User | None, reason: str, at: dt.datetime) -> Verdict:
    """Decide by the proxy of the policy, and the extensions whose answers the same people are late with."""
    rule = suite.parse(experiment.policy.body).human
    assert rule is not None
    outcome = experiment.comparisons.get(metric=rule.proxy).outcome
    body = {
        "metric": rule.proxy,
        "outcome": outcome,
        "validity": Undefined("how well the proxy agrees with people was not measured").as_json(),
    }
    keep(experiment, EvidenceKind.PROXY, body, by=by, at=at)
    record(
        Event.PROXY_EVIDENCE_RECORDED,
        by=by or SYSTEM,
        subject=experiment,
        facts={"metric": rule.proxy, "outcome": outcome, "evidence": digest(body)},
        statements={"reason": reason},
        at=at,
    )
    verdict = verdicts.decide(experiment, cause=f"proxy {rule.proxy}", at=at)
    for extension in locking(experiment.extensions.awaiting_people()):
        stand_in(extension, by=by, reason=reason, at=at)
    return verdict


def locked(experiment_id: int) -> Experiment:
    return locking(Experiment.objects.all()).get(pk=experiment_id)


def locking(rows: ExperimentQuerySet) -> ExperimentQuerySet:
    return rows.select_for_update(of=("self",)).select_related("component__owner", "policy", "plan")


def keep(
    experiment: Experiment, kind: str, body: dict[str, Any], *, by: User | None, at: dt.datetime
) -> Evidence:
    return Evidence.objects.create(
        experiment=experiment, kind=kind, body=body, digest=digest(body), recorded_by=by, recorded_at=at
    )
