"""Acts: the port through which evidence from people comes in, pushed by whoever gathers it."""

import datetime as dt
import logging
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from evaltrack.accounts.models import User
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from evaltrack.stats.estimate import Estimate, Undefined
from experiments import lifecycle, messages, proxies, suite, verdicts
from experiments.models import Evidence, EvidenceKind, Experiment, ExperimentStatus, Verdict
from experiments.proxies import Validity
from experiments.querysets import ExperimentQuerySet
from experiments.series import points

log = logging.getLogger(__name__)


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
    beside_metric: dict[str, Any] | None = None,
) -> Verdict:
    """Take the closed judgments of people, and decide for good. `counts`: how often each answer was given;
    `without_each`: how often each outcome came when one evaluator was left out, each in turn; `beside_metric`: what
    people would have said of all examples, as far as a metric tells, which decides nothing.

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
    if beside_metric is not None:
        body["beside_metric"] = beside_metric
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
    if before.status == ExperimentStatus.AWAITING_PEOPLE and (proxy := proxies.standing(before, at=at)):
        return stand_in(
            experiment,
            like=named(before, proxy.body),
            by=proxy.recorded_by,
            reason=f"As for {before}.",
            at=at,
        )
    return None


def spread(experiment: Experiment, body: dict[str, Any], *, by: User | None, at: dt.datetime) -> Verdict:
    """Decide an experiment by what people said, and the extensions that wait for them."""
    extensions = waiting_extensions(experiment)
    verdict = decide_by_people(experiment, body, by=by, at=at)
    for extension in extensions:
        decide_by_people(extension, named(experiment, body), by=by, at=at)
    return verdict


def decide_by_people(
    experiment: Experiment, body: dict[str, Any], *, by: User | None, at: dt.datetime
) -> Verdict:
    lifecycle.EXPERIMENT.advance(experiment, to=ExperimentStatus.DECIDED)
    keep(experiment, EvidenceKind.HUMAN, body, by=by, at=at)
    record(
        Event.HUMAN_EVIDENCE_RECORDED,
        by=by or SYSTEM,
        subject=experiment,
        facts={"evidence": digest(body), "judgments": body["judgments"]},
        at=at,
    )
    return verdicts.decide(experiment, cause="people have judged", at=at)


def waiting_extensions(experiment: Experiment) -> list[Experiment]:
    """The extensions that wait for the same people, and theirs, locked before anything is written to the ledger:
    whoever has one of them, to let its proxy expire, may wait for the ledger.

    One that is cancelled at this moment is left alone, and does not keep the others from their verdicts.
    """
    found = list(locking(experiment.extensions.awaiting_people().order_by("pk")))
    return [row for extension in found for row in (extension, *waiting_extensions(extension))]


def named(experiment: Experiment, body: dict[str, Any]) -> dict[str, Any]:
    """The evidence as another experiment has it: with the name of the one whose answers were judged."""
    return {"judged_in": experiment.public_id} | body


@transaction.atomic
def record_proxy_evidence(
    experiment_id: int,
    *,
    validity: Validity,
    missing: int | None,
    by: User,
    reason: str,
    at: dt.datetime,
) -> Verdict:
    """Let the metric that the policy names stand in for people for a time; the verdict becomes provisional.

    `validity` is what is known of how it agrees with them, `missing` how many of their judgments are not in. It fails
    or leaves open what it likes, and passes only where the policy lets it and it is known to agree. People still
    judge: their evidence supersedes the proxy's when it arrives.
    """
    experiment = locked(experiment_id)
    rule = suite.parse(experiment.policy.body).human
    if rule is None or not rule.proxy:
        raise Invalid(
            "no_proxy", "The gate policy names no proxy metric, so nothing can stand in for people."
        )
    if experiment.status != ExperimentStatus.AWAITING_PEOPLE:
        raise Conflict("not_awaiting", f"{experiment} does not wait for people; there is nothing to unblock.")
    outcome = experiment.comparisons.get(metric=rule.proxy).outcome
    body = proxies.body(rule, outcome, validity, missing=missing, at=at)
    return stand_in(experiment, like=body, by=by, reason=reason, at=at)


def stand_in(
    experiment: Experiment, *, like: Mapping[str, Any], by: User | None, reason: str, at: dt.datetime
) -> Verdict:
    """Decide by the proxy of the policy, and the extensions whose answers the same people are late with."""
    extensions = waiting_extensions(experiment)
    verdict = decide_by_proxy(experiment, dict(like), by=by, reason=reason, at=at)
    for extension in extensions:
        decide_by_proxy(extension, named(experiment, dict(like)), by=by, reason=reason, at=at)
    return verdict


def decide_by_proxy(
    experiment: Experiment, like: dict[str, Any], *, by: User | None, reason: str, at: dt.datetime
) -> Verdict:
    """What it says of each is what it says of its own examples."""
    metric = like["metric"]
    body = like | {"outcome": experiment.comparisons.get(metric=metric).outcome}
    keep(experiment, EvidenceKind.PROXY, body, by=by, at=at)
    record(
        Event.PROXY_EVIDENCE_RECORDED,
        by=by or SYSTEM,
        subject=experiment,
        facts={**proxies.facts(body), "evidence": digest(body)},
        statements={"reason": reason},
        at=at,
    )
    return verdicts.decide(experiment, cause=f"proxy {metric}", at=at)


def let_proxies_expire(*, at: dt.datetime) -> int:
    """Decide again where the time of a proxy is over and people have not judged; how many experiments."""
    waiting = Experiment.objects.awaiting_people().filter(evidence__kind=EvidenceKind.PROXY).distinct()
    count = 0
    for pk in waiting.values_list("pk", flat=True):
        try:
            count += let_proxy_expire(pk, at=at)
        except Exception:
            log.exception("the proxy of experiment %s could not expire and will be tried again", pk)
    return count


@transaction.atomic
def let_proxy_expire(experiment_id: int, *, at: dt.datetime) -> bool:
    """Whether it did. Leads hear of it, as they may let it stand in once more."""
    experiment = locked(experiment_id)
    verdict = experiment.verdicts.first()
    waits = experiment.status == ExperimentStatus.AWAITING_PEOPLE
    if not waits or verdict is None or not verdict.provisional or not proxies.is_over(experiment, at=at):
        return False
    verdicts.decide(experiment, cause=verdicts.PROXY_IS_OVER, at=at)
    outbox.post(messages.proxy_expired(experiment, verdict), to=outbox.holders("lead"), at=at)
    return True


def locked(experiment_id: int) -> Experiment:
    return locking(Experiment.objects.all()).get(pk=experiment_id)


def locking(rows: ExperimentQuerySet) -> ExperimentQuerySet:
    return rows.select_for_update(of=("self",)).select_related("component__owner", "policy", "plan")


def keep(
    experiment: Experiment, kind: str, body: dict[str, Any], *, by: User | None, at: dt.datetime
) -> Evidence:
    row = Evidence.objects.create(
        experiment=experiment, kind=kind, body=body, digest=digest(body), recorded_by=by, recorded_at=at
    )
    points.add(points.of_evidence(row))
    return row
