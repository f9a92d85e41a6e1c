"""The wording of what this app tells people, one function per message."""

from evaltrack.notifications.outbox import Message
from evaltrack.notifications.topics import Topic
from experiments import gates
from experiments.models import (
    Component,
    Experiment,
    ProductionAlert,
    ProductionMonitor,
    PromotionRequest,
    Verdict,
)


def experiment_waits(experiment: Experiment) -> Message:
    return Message(
        # Once per wait, however often it is tried: the key changes only when work has gone on in between.
        key=f"experiment-waits:{experiment.public_id}:{experiment.outputs.filter(state='done').count()}",
        subject=f"{experiment} waits",
        body=(
            f"{experiment.reason}\nNothing is lost: it is tried again by itself, with growing pauses. "
            "If the address is wrong, cancel the experiment and register a corrected version."
        ),
        path=experiment.get_absolute_url(),
        topic=Topic.VERDICTS,
        why="you own the component, or look after the dataset",
    )


def experiment_undecided(experiment: Experiment) -> Message:
    return Message(
        key=f"experiment-undecided:{experiment.public_id}",
        subject=f"{experiment} ended without a verdict",
        body=f"{experiment.reason}\nMend the cause and run it again.",
        path=experiment.get_absolute_url(),
        topic=Topic.VERDICTS,
        why="you own the component, or look after the dataset",
    )


def experiment_decided(experiment: Experiment, verdict: Verdict, previous: Verdict | None) -> Message:
    change = ""
    if previous and previous.provisional and verdict.people == gates.STILL_TO_JUDGE:
        change = f"The proxy's time is over: the provisional {previous.outcome} does not hold any more.\n"
    elif previous and previous.provisional and previous.outcome != verdict.outcome:
        # What was open has not been turned round.
        verb = "replaces" if previous.outcome == gates.INCONCLUSIVE else "REVERSES"
        change = f"This {verb} the provisional {previous.outcome}.\n"
    return Message(
        key=f"experiment-decided:{experiment.public_id}:{verdict.number}",
        subject=f"{experiment}: {verdict}",
        body=change + "\n".join(verdict.reasons),
        path=experiment.get_absolute_url(),
        topic=Topic.VERDICTS,
        why="you own the component",
    )


def proxy_expired(experiment: Experiment, verdict: Verdict) -> Message:
    return Message(
        key=f"proxy-expired:{experiment.public_id}:{verdict.number}",
        subject=f"{experiment}: the proxy's time is over, and people have not judged",
        body=(
            f"The provisional {verdict.outcome} by PROXY does not hold any more, and the experiment waits for "
            "people again. Remind the evaluators, or let the proxy stand in once more on the campaign's page."
        ),
        path=experiment.get_absolute_url(),
        topic=Topic.ESCALATIONS,
        why="you lead evaluations",
    )


def promotion_requested(request: PromotionRequest, verdict: Verdict) -> Message:
    return Message(
        key=f"promotion-requested:{request.public_id}",
        subject=f"{request}: decide about {request.version} in {request.environment}",
        body=f"{request.requested_by} asks for it on the evidence of {request.experiment}: {verdict}.",
        path=f"/admin/experiments/promotionrequest/{request.pk}/change/",
        topic=Topic.PROMOTIONS,
        why="you are an approver",
    )


def promotion_closed(request: PromotionRequest) -> Message:
    return Message(
        key=f"promotion-closed:{request.public_id}",
        subject=f"{request}: {request.get_status_display().lower()}",
        body=f"{request.version} in {request.environment}: {request.closing_reason}",
        path=request.get_absolute_url(),
        topic=Topic.PROMOTIONS,
        why="you requested this promotion",
    )


def production_alert(component: Component, alert: ProductionAlert) -> Message:
    return Message(
        key=f"production-alert:{alert.deployment_id}:{alert.metric}:{alert.number}",
        subject=f"{component} in production: {alert.metric}, {alert.get_state_display().lower()}",
        body=f"{alert.text}\nIn production: {alert.deployment.version.version}.",
        path=f"{component.get_absolute_url()}production/",
        topic=Topic.PRODUCTION,
        why="you own the component, or are a platform engineer",
    )


def production_silent(monitor: ProductionMonitor) -> Message:
    component, newest = monitor.component, monitor.newest_sample_at
    assert newest is not None
    return Message(
        key=f"production-silent:{component.pk}:{newest.isoformat()}",
        subject=f"{component}: nothing is heard from production",
        body=(
            f"The newest sample is of {newest:%Y-%m-%d %H:%M} UTC, more than 4 hours ago. A drop would go unseen; "
            "look whether the gateway still sends samples."
        ),
        path=f"{component.get_absolute_url()}production/",
        topic=Topic.PRODUCTION,
        why="you own the component, or are a platform engineer",
    )
