"""Acts of the lead on a campaign: pause it, leave a task out, close it and push what people said."""

import datetime as dt
from collections.abc import Iterator

from django.db import transaction
from django.db.models import F

from annotation import assignment, lifecycle, overlap, policies, querysets, revision
from annotation.agreement import beside_metric, enough, figures, human_rule, robustness, rollup
from annotation.models import Campaign, CampaignStatus, Decision, JudgmentState, Response, Task
from annotation.protocols import rules_of
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.canonical import canonical_json, digest, sha256_hex
from evaltrack.errors import Conflict, refuse_if
from evaltrack.ledger import merkle
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments import evidence
from experiments.models import ExperimentStatus


@transaction.atomic
def pause(campaign_id: int, *, by: User, reason: str, at: dt.datetime) -> Campaign:
    """Ask nobody for a while. What is on somebody's screen stays there, and can be submitted afterwards."""
    campaign = locked(campaign_id)
    refuse_if(policies.pausing(by, campaign))
    reason = reasons.checked(reason)
    lifecycle.CAMPAIGN.advance(campaign, to=CampaignStatus.PAUSED, pause_reason=reason)
    record(Event.CAMPAIGN_PAUSED, by=by, subject=campaign, statements={"reason": reason}, at=at)
    return campaign


@transaction.atomic
def resume(campaign_id: int, *, by: User, at: dt.datetime) -> Campaign:
    campaign = locked(campaign_id)
    refuse_if(policies.pausing(by, campaign))
    lifecycle.CAMPAIGN.advance(campaign, to=CampaignStatus.OPEN, pause_reason="")
    record(Event.CAMPAIGN_RESUMED, by=by, subject=campaign, at=at)
    return campaign


@transaction.atomic
def close(campaign_id: int, *, by: User, at: dt.datetime) -> Campaign:
    """Close a campaign in which every judgment is in; what people said becomes evidence.

    A simulated campaign closes without evidence, as programs are not people; and so does that of an experiment
    that was cancelled: what it still misses is withdrawn, so that no judgment comes after the root. Where the policy
    lets people stop once it is settled, what is missing then is withdrawn, and the evidence has the interval that
    holds at every look.
    """
    campaign = locked(campaign_id)
    experiment = campaign.experiment
    if campaign.status == CampaignStatus.CLOSED:
        raise Conflict("already_closed", "This campaign was closed before.")
    if campaign.imports.exists():
        rollup.forget(campaign.pk)  # how systems fare is told from now on
    # First, so that nothing is undone after the policy has looked: an undo that comes later finds it final. And once
    # more when every slot is done or withdrawn: a submission that was under way may have been waited for.
    settle(campaign, at=at)
    revision.free_outdated(campaign, at=at)
    refuse_if(enough.closing(by, campaign, at=at))
    # What is withdrawn says whether something misses: the last submission may have been under way until now.
    missing = assignment.withdraw(campaign.slots.filter(querysets.asked_beforehand()), at=at)
    is_early = missing > 0 and not (experiment and experiment.status == ExperimentStatus.CANCELLED)
    assignment.withdraw(campaign.slots.all(), at=at)
    settle(campaign, at=at)
    lifecycle.CAMPAIGN.advance(
        campaign, to=CampaignStatus.CLOSED, closed_by=by, closed_at=at, pause_reason=""
    )
    root = judgments_root(campaign)
    if experiment and not campaign.is_simulated and experiment.status != ExperimentStatus.CANCELLED:
        rule = human_rule.of(campaign)
        found = figures.of_pairs(campaign, figures.counted(campaign, at=at))
        evidence.record_human_evidence(
            experiment.pk,
            net_preference=enough.at_every_look(campaign, found) if is_early else found.net_preference,
            agreement=enough.agreement_at_every_look(found, rule.coefficient)
            if is_early
            else found.coefficient(rule.coefficient),
            judgments=found.n_judgments,
            items=found.n_items,
            judgments_root=root,
            by=by,
            at=at,
            counts=found.counts,
            # By intervals for one look, which say nothing of an outcome that rests on those of every look.
            without_each=None if is_early else robustness.without_each(found, rule),
            beside_metric=beside_metric.as_evidence(campaign, rule.proxy)
            if rule.proxy and not is_early
            else None,
        )
    record(
        Event.CAMPAIGN_CLOSED,
        by=by,
        subject=campaign,
        facts=campaign.experiment_fact()
        | {
            "judgments_root": root,
            "excluded": campaign.tasks.exclude(excluded_at=None).count(),
            "simulated": campaign.is_simulated,
        }
        | overlap_facts(campaign)
        | ({"stopped_early": True} if is_early else {})
        | import_facts(campaign),
        at=at,
    )
    return campaign


def import_facts(campaign: Campaign) -> dict[str, int]:
    """What the ledger says of judgments that were made elsewhere: nothing where there are none."""
    imported = campaign.imported_judgments.count() if campaign.experiment_id is None else 0
    return {"imported": imported} if imported else {}


def overlap_facts(campaign: Campaign) -> dict[str, int]:
    """What the ledger says of adaptive overlap: of how many tasks the label was left unsure."""
    found = overlap.progress(campaign)
    return {"settled": found.settled, "unsettled": found.unsure + found.open} if found else {}


def settle(campaign: Campaign, *, at: dt.datetime) -> None:
    campaign.judgments.filter(state=JudgmentState.PROVISIONAL).update(
        state=JudgmentState.FINAL, settled_at=at
    )


@transaction.atomic
def exclude_task(task_id: int, *, by: User, reason: str, at: dt.datetime) -> Task:
    """Leave out a task that nobody will judge, so that its campaign can close.

    What was said about it stays, but counts in no figure and is no evidence.
    """
    campaign = locked(Task.objects.values_list("campaign", flat=True).get(pk=task_id))
    # Read under the lock: somebody else may have excluded it meanwhile.
    task = Task.objects.get(pk=task_id)
    task.campaign = campaign
    refuse_if(policies.excluding(by, task))
    reason = reasons.checked(reason)
    if task.excluded_at:
        raise Conflict("not_missing", "This task was excluded before; it is asked of nobody.")
    rollup.forget(task.campaign_id)
    # First what was said becomes final: an undo that is under way makes this wait, and its slot is withdrawn below.
    task.judgments.filter(state=JudgmentState.PROVISIONAL).update(state=JudgmentState.FINAL, settled_at=at)
    # One that misses only what adaptive overlap has added stays: else what people dispute would leave the figures.
    if not assignment.withdraw(task.slots.filter(querysets.asked_beforehand()), at=at):
        raise Conflict("not_missing", "This task misses no judgment any more; there is nothing to exclude.")
    assignment.withdraw(task.slots.all(), at=at)
    task.excluded_by, task.excluded_at, task.exclusion_reason = by, at, reason
    task.save(update_fields=["excluded_by", "excluded_at", "exclusion_reason"])
    Campaign.objects.filter(pk=task.campaign_id).update(task_count=F("task_count") - 1)
    task.flags.filter(decision="").update(
        decision=Decision.EXCLUDE, decided_by=by, decided_at=at, reason=reason
    )
    record(
        Event.TASK_EXCLUDED,
        by=by,
        subject=task.campaign,
        facts={"task": str(task.public_id)},
        statements={"reason": reason},
        at=at,
    )
    return task


def locked(campaign_id: int) -> Campaign:
    """The campaign, for one lead at a time. Submissions do not wait for it, nor it for them: a judgment that
    is stored names its campaign, which only a lock on the key would hold up."""
    return (
        Campaign.objects.select_for_update(of=("self",), no_key=True)
        .select_related("experiment__policy")
        .get(pk=campaign_id)
    )


def judgments_root(campaign: Campaign) -> str:
    """The Merkle root over the campaign's judgments: one entry that can prove each of them.

    What was said names responses by their ordinals, so each leaf says what these were. Judgments that were undone
    or came too late, and those of excluded tasks and of gold, are leaves too, and say that they do not count.
    """
    rules = rules_of(campaign.protocol)
    leaves = [
        canonical_json(
            {
                "judgment": str(judgment.public_id),
                "task": str(judgment.task.public_id),
                "evaluator": str(judgment.evaluator.public_id),
                "responses": [
                    {"source": response.source, "sha256": sha256_hex(response.content.encode())}
                    | attached_fact(response)
                    for response in sorted(judgment.task.responses.all(), key=lambda row: row.ordinal)
                ],
                "excluded": judgment.task.excluded_at is not None,
                "state": judgment.state,
                **rules.proved(judgment),
                "submitted_at": judgment.submitted_at.isoformat(),
            }
            # Leaves of earlier versions stay as they were.
            | ({"gold": True} if hasattr(judgment.task, "gold") else {})
            | ({"repeat": True} if judgment.is_repeat else {})
            | ({"rubric": str(judgment.rubric)} if campaign.earlier_rubric_id else {})
        )
        for judgment in campaign.judgments.select_related("task__gold", "evaluator", "rubric")
        .prefetch_related("task__responses__output")
        .order_by("public_id")
    ]
    leaves += imported_leaves(campaign)
    return merkle.root([merkle.leaf_hash(leaf) for leaf in leaves]).hex()


def imported_leaves(campaign: Campaign) -> Iterator[bytes]:
    """What was imported, each judgment by its file and line."""
    rows = campaign.imported_judgments.order_by("pk").values_list(
        "batch__public_id",
        "line",
        "rater__number",
        "item",
        "left__name",
        "right__name",
        "choice",
        "answers",
        "judged_at",
    )
    for batch, line, rater, item, left, right, choice, answers, judged_at in rows.iterator():
        yield canonical_json(
            {
                "import": str(batch),
                "line": line,
                "rater": rater,
                "item": item,
                "responses": [left, right],
                "choice": choice,
                "answers": answers,
                "judged_at": judged_at.isoformat() if judged_at else None,
            }
        )


def attached_fact(response: Response) -> dict[str, str]:
    """What was shown with the text, where there was something."""
    shown = [response.contexts, response.media]
    return {"attached_sha256": digest(shown)} if any(shown) else {}
