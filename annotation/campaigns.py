"""Acts: open a campaign for an experiment that waits for people, close it and push what people said."""

import datetime as dt
import secrets
from typing import Any

from django.conf import settings
from django.db import transaction

from annotation import agreement, assignment, blinding, lifecycle, messages, policies
from annotation.blinding import Placeable
from annotation.models import Campaign, CampaignStatus, Rubric, Slot, Task
from datasets import versions
from datasets.examples import Example
from datasets.sampling import shuffled_rank
from evaltrack import reasons
from evaltrack.accounts.models import User
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.errors import Conflict, refuse_if
from evaltrack.ledger import merkle
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.notifications import outbox
from experiments import evidence, suite
from experiments.models import Arm, Experiment, ExperimentStatus, Outcome, Output

DEFAULT_RUBRIC = {
    "name": "helpfulness",
    "question": "Which response would serve the person who asked better?",
    "guidance": (
        "Read the request, then both responses. Prefer the response that is right and answers what was asked. "
        "A right answer that admits a limit beats a confident wrong one. Length is no merit by itself. "
        "Choose tie when both serve equally well, and both bad when neither would help."
    ),
}


def open_campaign(
    experiment: Experiment, *, at: dt.datetime, due_at: dt.datetime | None = None, is_simulated: bool = False
) -> Campaign | None:
    """Open the campaign that the gate policy asks for; None where another worker was faster."""
    rule = suite.parse(experiment.policy.body).human or suite.HumanRule()
    examples = {example.id: example for example in versions.examples(experiment.dataset_version)}
    due = due_at or at + dt.timedelta(hours=settings.REVIEW_DUE_HOURS)
    with transaction.atomic():
        Experiment.objects.select_for_update().get(pk=experiment.pk)
        if Campaign.objects.filter(experiment=experiment, is_simulated=is_simulated).exists():
            return None
        campaign = Campaign.objects.create(
            name=f"Pairwise review of {rule.items} answers",
            experiment=experiment,
            rubric=newest_rubric(),
            overlap=rule.overlap,
            # Drawn, and not made of names: who could guess it could compute which system stands where.
            seed=secrets.token_hex(32),
            is_simulated=is_simulated,
            due_at=due,
            opened_at=at,
        )
        tasks = Task.objects.bulk_create(sampled_tasks(campaign, examples, size=rule.items))
        # One pair of systems, so the stratum is the group.
        placeable = [
            Placeable(task.item, task.stratum, reference_is_first=task.first.run.arm == Arm.BASELINE)
            for task in tasks
        ]
        placed = blinding.place(placeable, overlap=rule.overlap, seed=campaign.seed)
        Slot.objects.bulk_create(
            Slot(
                task=tasks[slot.task],
                campaign=campaign,
                ordinal=slot.ordinal,
                order_key=slot.order_key,
                first_on_slot_1=slot.first_on_slot_1,
                due_at=due,
            )
            for slot in placed
        )
        if not is_simulated:
            outbox.post(messages.campaign_opened(campaign), to=outbox.holders("lead"), at=at)
            outbox.post(messages.tasks_waiting(campaign), to=outbox.holders("evaluator"), at=at)
        record(
            Event.CAMPAIGN_OPENED,
            by=SYSTEM,
            subject=campaign,
            facts={
                "experiment": experiment.public_id,
                "items": len(tasks),
                "overlap": rule.overlap,
                "rubric": str(campaign.rubric),
                "simulated": is_simulated,
            },
            at=at,
        )
    return campaign


def newest_rubric() -> Rubric:
    rubric = Rubric.objects.filter(name=DEFAULT_RUBRIC["name"]).order_by("-version").first()
    return rubric or Rubric.objects.create(version=1, **DEFAULT_RUBRIC)


def sampled_tasks(campaign: Campaign, examples: dict[str, Example], *, size: int) -> list[Task]:
    """A seeded sample of examples that both arms answered, as tasks.

    Which output is `first` is drawn as well, so that not even our own rows put one arm before the other.
    """
    answered: dict[str, dict[str, Output]] = {}
    rows = Output.objects.filter(experiment=campaign.experiment, outcome=Outcome.ANSWERED).select_related(
        "run"
    )
    for output in rows:
        answered.setdefault(output.example_id, {})[output.run.arm] = output
    both = sorted(
        (identifier for identifier, arms in answered.items() if len(arms) == len(Arm)),
        key=lambda identifier: shuffled_rank(f"{campaign.seed}-sample", identifier),
    )
    tasks = []
    for identifier in both[:size]:
        pair = [answered[identifier][Arm.BASELINE], answered[identifier][Arm.CANDIDATE]]
        if shuffled_rank(f"{campaign.seed}-pair", identifier)[0] % 2:
            pair.reverse()
        tasks.append(
            Task(
                campaign=campaign,
                item=identifier,
                prompt=prompt_text(examples[identifier].input),
                first=pair[0],
                second=pair[1],
                due_at=campaign.due_at,
            )
        )
    return tasks


def prompt_text(example_input: Any) -> str:
    if isinstance(example_input, dict):
        return "\n\n".join(f"{name}: {value}" for name, value in example_input.items())
    return str(example_input)


@transaction.atomic
def close(campaign_id: int, *, by: User, at: dt.datetime) -> Campaign:
    """Close a campaign in which every judgment is in; what people said becomes evidence.

    A simulated campaign closes without evidence, as programs are not people; and so does that of an experiment
    that was cancelled: what it still misses is withdrawn, so that no judgment comes after the root.
    """
    campaign = locked(campaign_id)
    if campaign.status == CampaignStatus.CLOSED:
        raise Conflict("already_closed", "This campaign was closed before.")
    refuse_if(policies.closing(by, campaign))
    assignment.withdraw(campaign.slots.all(), at=at)
    lifecycle.CAMPAIGN.advance(campaign, to=CampaignStatus.CLOSED, closed_by=by, closed_at=at)
    root = judgments_root(campaign)
    if not campaign.is_simulated and campaign.experiment.status != ExperimentStatus.CANCELLED:
        rule = suite.parse(campaign.experiment.policy.body).human or suite.HumanRule()
        found = agreement.of(campaign)
        evidence.record_human_evidence(
            campaign.experiment_id,
            net_preference=found.net_preference,
            agreement=found.coefficient(rule.coefficient),
            judgments=found.n_judgments,
            items=found.n_items,
            judgments_root=root,
            by=by,
            at=at,
        )
    record(
        Event.CAMPAIGN_CLOSED,
        by=by,
        subject=campaign,
        facts={
            "experiment": campaign.experiment.public_id,
            "judgments_root": root,
            "excluded": campaign.tasks.exclude(excluded_at=None).count(),
            "simulated": campaign.is_simulated,
        },
        at=at,
    )
    return campaign


@transaction.atomic
def exclude_task(task_id: int, *, by: User, reason: str, at: dt.datetime) -> Task:
    """Leave out a task that nobody will judge, so that its campaign can close.

    What was said about it stays, but counts in no figure and is no evidence.
    """
    task = Task.objects.get(pk=task_id)
    task.campaign = locked(task.campaign_id)
    refuse_if(policies.excluding(by, task))
    reason = reasons.checked(reason)
    if not assignment.withdraw(task.slots.all(), at=at):
        raise Conflict("not_missing", "This task misses no judgment any more; there is nothing to exclude.")
    task.excluded_by, task.excluded_at, task.exclusion_reason = by, at, reason
    task.save(update_fields=["excluded_by", "excluded_at", "exclusion_reason"])
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

    A choice is "first" or "second", so each leaf says what these were. Judgments of excluded tasks are leaves
    too, and say that they do not count.
    """
    leaves = [
        canonical_json(
            {
                "judgment": str(judgment.public_id),
                "task": str(judgment.task.public_id),
                "evaluator": str(judgment.evaluator.public_id),
                "responses": [
                    {"arm": output.run.arm, "sha256": sha256_hex(output.text.encode())}
                    for output in (judgment.task.first, judgment.task.second)
                ],
                "excluded": judgment.task.excluded_at is not None,
                "choice": judgment.choice,
                "first_on_slot_1": judgment.first_on_slot_1,
                "submitted_at": judgment.submitted_at.isoformat(),
            }
        )
        for judgment in campaign.judgments.select_related(
            "task__first__run", "task__second__run", "evaluator"
        ).order_by("public_id")
    ]
    return merkle.root([merkle.leaf_hash(leaf) for leaf in leaves]).hex()
