"""What the demo does with its world: two experiments, a simulated campaign, and a promotion if one is earned."""

import random
import sys
import time
from collections.abc import Callable

from django_q.tasks import async_task

from annotation import assignment as assignments
from annotation import campaigns, judging, opening
from annotation.answers import Answer
from annotation.blinding.sides import place_of
from annotation.models import Campaign, Slot, SlotState
from datasets import versions
from datasets.examples import Example
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.demo.seed import ABSTENTION, SIMULATED, World
from evaltrack.errors import ExpectedError
from evaltrack.stats.estimate import Undefined
from experiments import promotion, submission
from experiments.metrics.base import Answered
from experiments.metrics.facts import facts_stated
from experiments.metrics.reference import token_f1
from experiments.models import Experiment, Output, OutputState, PromotionRequest
from experiments.submission import Question

PATIENCE_S = 300
COMMIT = "3f9c2d1"


def experiment_of(world: World, component: str, *, hypothesis: str) -> Experiment:
    """The demo's experiment on a component; submitted as CI would, if there is none yet."""
    row = world.components[component]
    existing = Experiment.objects.filter(component=row, context__demo=True).order_by("pk").first()
    if existing is not None:
        return existing
    older, newer = sorted(number for name, number in world.versions if name == component)
    question = Question(
        component=row,
        candidate=world.versions[component, newer],
        baseline=world.versions[component, older],
        dataset_version=world.dataset_version,
        policy=submission.policy_of(row),
        hypothesis=hypothesis,
        context={"demo": True, "repository": "fernweg/assistant", "commit": COMMIT, "pull_request": 41},
    )
    return submission.submit(question, by=world.ci, at=clock.now())


def wait_until_measured(experiments: list[Experiment], check: Callable[[], None]) -> list[Experiment]:
    """Show the progress of `experiments` until each has its verdict, or cannot have one."""
    deadline = time.monotonic() + PATIENCE_S
    ids = [experiment.pk for experiment in experiments]
    while time.monotonic() < deadline:
        check()
        going_on = Experiment.objects.in_progress().filter(pk__in=ids)
        outputs = Output.objects.filter(experiment__in=ids)
        done, total = outputs.filter(state=OutputState.DONE).count(), outputs.count()
        show_progress(done, total)
        if not going_on.exists():
            print()
            return list(Experiment.objects.with_names().filter(pk__in=ids).order_by("pk"))
        if waiting := going_on.filter(status="waiting").first():
            print(f"\n{waiting} waits: {waiting.reason}")
        time.sleep(0.3)
    raise TimeoutError("The experiments were not done after five minutes; see the worker's log.")


def show_progress(done: int, total: int) -> None:
    filled = round(30 * done / total) if total else 0
    line = f"  [{'█' * filled}{'·' * (30 - filled)}] {done} of {total or '…'} answers"
    print(f"\r{line}" if sys.stdout.isatty() else line, end="" if sys.stdout.isatty() else "\n", flush=True)


def campaign_of(experiment: Experiment) -> Campaign | None:
    """The campaign that opens for an experiment that waits for people: found, as every minute, by a worker."""
    async_task("annotation.jobs.open_campaigns")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := Campaign.objects.filter(experiment=experiment, is_simulated=False).first():
            return found
        time.sleep(0.2)
    return None


def simulated_campaign(experiment: Experiment, world: World) -> Campaign:
    """A campaign judged by programs, so that agreement has something to show. Labelled, and never evidence."""
    existing = Campaign.objects.filter(experiment=experiment, is_simulated=True).first()
    campaign = existing or opening.open_campaign(experiment, at=clock.now(), is_simulated=True)
    assert campaign is not None
    people = [world.people[name] for name in SIMULATED]
    examples = {example.id: example for example in versions.examples(experiment.dataset_version)}
    open_slots = Slot.objects.filter(campaign=campaign, state=SlotState.OPEN).order_by("order_key")
    for place, slot in enumerate(open_slots.prefetch_related("task__responses__output")):
        evaluator = people[(place + slot.ordinal) % len(people)]
        if Slot.objects.filter(task=slot.task, holder=evaluator).exists():
            evaluator = next(
                person for person in people if not slot.task.slots.filter(holder=person).exists()
            )
        judge_as_program(slot, evaluator, examples)
    if campaign.status == "open":
        campaigns.close(campaign.pk, by=world.people["lead"], at=clock.now())
    campaign.refresh_from_db()
    return campaign


def judge_as_program(slot: Slot, evaluator: User, examples: dict[str, Example]) -> None:
    """One simulated judgment: both answers get a quality, each evaluator sees it through noise of its own."""
    noise = random.Random(f"{slot.task.item}-{evaluator.username}")
    example = examples[slot.task.item]
    first, second = (
        quality(response.content, example) + noise.gauss(0, 0.12)
        for response in sorted(slot.task.responses.all(), key=lambda row: row.ordinal)
    )
    if max(first, second) < 0.25:
        preference: int | str = "both_bad"
    elif abs(first - second) < 0.1:
        preference = "tie"
    else:
        preference = place_of(0 if first > second else 1, slot.places)
    at = clock.now()
    assignment = assignments.give(slot, evaluator, at=at)
    judging.submit(
        assignment.public_id,
        judgment_id=assignment.judgment_id,
        answer=Answer(preference=preference, comment="simulated"),
        by=evaluator,
        at=at,
    )


def quality(text: str, example: Example) -> float:
    answered = Answered(example.input, example.expected, text, parameters={"abstention": ABSTENTION})
    found = (facts_stated(answered), token_f1(answered))
    right, alike = (0.0 if isinstance(value, Undefined) else value for value in found)
    return 0.7 * right + 0.3 * alike


def promote(experiment: Experiment, world: World) -> tuple[PromotionRequest | None, str]:
    """Request and approve the promotion to staging; where the result does not allow it, the refusal."""
    existing = PromotionRequest.objects.filter(experiment=experiment, environment="staging").first()
    if existing is not None:
        return existing, ""
    try:
        request = promotion.request(
            experiment,
            environment="staging",
            reason="Cites its sources and answers more questions right; staging shows it to the service desk.",
            by=world.people["owner"],
            at=clock.now(),
        )
        approved = promotion.approve(
            request.pk,
            by=world.people["approver"],
            reason="The experiment passes its gate on the standard tier; staging carries no customers.",
            seen_digest=request.decision_digest,
            at=clock.now(),
        )
    except ExpectedError as error:
        return None, error.reason
    return approved, ""
