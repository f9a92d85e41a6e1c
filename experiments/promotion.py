"""Acts: request, withdraw, approve and reject a promotion."""

import datetime as dt

from django.db import IntegrityError, transaction
from django_q.tasks import async_task

from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid, NotFound, Stale, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from experiments import lifecycle, messages, numbering, policies, registry, verdicts
from experiments.models import Component, Environment, Experiment, PromotionRequest, PromotionStatus, Verdict


@transaction.atomic
def request(
    experiment: Experiment | None, *, environment: str, reason: str, by: User, at: dt.datetime
) -> PromotionRequest:
    """Ask for the candidate of `experiment` to run in `environment`."""
    if experiment is None:
        raise Invalid(
            "no_experiment",
            "A promotion must name the experiment that justifies it.",
            {"experiment": ["is required"]},
        )
    if environment not in Environment.values:
        known = ", ".join(Environment.values)
        raise Invalid(
            "bad_environment", f"Environments are {known}.", {"environment": [f"is none of {known}"]}
        )
    reason = reasons.checked(reason)
    Component.objects.select_for_update().get(pk=experiment.component_id)
    verdict = experiment.verdicts.first()
    refuse_if(policies.requesting(by, experiment, environment, verdict, at=at))
    assert verdict is not None
    try:
        with transaction.atomic():
            row = PromotionRequest.objects.create(
                public_id=numbering.next_public_id(numbering.PROMOTION, at=at),
                component=experiment.component,
                version=experiment.candidate,
                environment=environment,
                experiment=experiment,
                reason=reason,
                evidence_digest=verdict.evidence_digest,
                decision_digest=decision_digest(experiment, environment, verdict),
                requested_by=by,
                requested_at=at,
            )
    except IntegrityError:
        raise Conflict(
            "promotion_open",
            f"There is an open promotion of {experiment.component} to {environment}; decide or withdraw it first.",
        ) from None
    outbox.post(messages.promotion_requested(row, verdict), to=outbox.holders("approver"), at=at)
    record(
        Event.PROMOTION_REQUESTED, by=by, subject=row, facts=facts(row), statements={"reason": reason}, at=at
    )
    return row


def decision_digest(experiment: Experiment, environment: str, verdict: Verdict) -> str:
    """One digest over what is decided: configuration, place, evidence, policy and verdict.

    Each part is digested anew from its content, so that a row that was altered since shows here.
    """
    return digest(
        {
            "configuration": digest(experiment.candidate.configuration),
            "baseline": digest(experiment.baseline.configuration),
            "component": experiment.component.name,
            "environment": environment,
            "experiment": experiment.public_id,
            "evidence": verdicts.evidence_digest(experiment),
            "verdict": [verdict.number, verdict.outcome, verdict.provisional],
            "policy": digest(experiment.policy.body),
            "plan": digest(experiment.plan.body),
        }
    )


@transaction.atomic
def approve(request_id: int, *, by: User, reason: str, seen_digest: str, at: dt.datetime) -> PromotionRequest:
    """Approve what was seen: `seen_digest` is the decision digest that the approver's page showed."""
    row = locked(request_id)
    refuse_if(policies.deciding(by, row))
    reason = reasons.checked(reason)
    verdict = row.experiment.verdicts.first()
    refuse_if(policies.requesting(row.requested_by, row.experiment, row.environment, verdict, at=at))
    assert verdict is not None
    now_digest = decision_digest(row.experiment, row.environment, verdict)
    if not (seen_digest == row.decision_digest == now_digest):
        raise Stale(
            "evidence_changed",
            "The evidence has changed since this was requested or shown. Reload and look at it again; "
            "the owner may have to withdraw and request it anew.",
        )
    lifecycle.PROMOTION.advance(
        row, to=PromotionStatus.APPROVED, closed_by=by, closed_at=at, closing_reason=reason
    )
    registry.deploy(row, at=at)
    outbox.post(messages.promotion_closed(row), to=[row.requested_by], at=at)
    record(
        Event.PROMOTION_APPROVED, by=by, subject=row, facts=facts(row), statements={"reason": reason}, at=at
    )
    if row.environment == Environment.PRODUCTION:
        record(Event.PRODUCTION_CHANGED, by=by, subject=row.version, facts=facts(row), at=at)
    # What is decided after the last checkpoint could still be rewritten; so a decision is signed at once.
    async_task("evaltrack.ledger.jobs.sign")
    return row


@transaction.atomic
def reject(request_id: int, *, by: User, reason: str, at: dt.datetime) -> PromotionRequest:
    row = locked(request_id)
    refuse_if(policies.deciding(by, row))
    reason = reasons.checked(reason)
    lifecycle.PROMOTION.advance(
        row, to=PromotionStatus.REJECTED, closed_by=by, closed_at=at, closing_reason=reason
    )
    outbox.post(messages.promotion_closed(row), to=[row.requested_by], at=at)
    record(
        Event.PROMOTION_REJECTED, by=by, subject=row, facts=facts(row), statements={"reason": reason}, at=at
    )
    return row


@transaction.atomic
def withdraw(request_id: int, *, by: User, at: dt.datetime) -> PromotionRequest:
    row = locked(request_id)
    refuse_if(policies.withdrawing(by, row))
    if row.status == PromotionStatus.WITHDRAWN:
        return row
    lifecycle.PROMOTION.advance(row, to=PromotionStatus.WITHDRAWN, closed_by=by, closed_at=at)
    record(Event.PROMOTION_WITHDRAWN, by=by, subject=row, facts=facts(row), at=at)
    return row


def locked(request_id: int) -> PromotionRequest:
    found = (
        PromotionRequest.objects.select_for_update(of=("self",))
        .select_related(
            "component__owner",
            "version",
            "requested_by",
            "experiment__policy",
            "experiment__plan",
            "experiment__component__owner",
            "experiment__candidate",
        )
        .filter(pk=request_id)
        .first()
    )
    if found is None:
        raise NotFound("no_such_promotion", "There is no such promotion.")
    return found


def facts(row: PromotionRequest) -> dict[str, str]:
    return {
        "component": row.component.name,
        "configuration": row.version.digest,
        "environment": row.environment,
        "experiment": row.experiment.public_id,
        "promotion": row.public_id,
        "evidence_digest": row.evidence_digest,
        "decision_digest": row.decision_digest,
    }
