"""Acts: open a campaign, for an experiment that waits for people or over items made elsewhere."""

import datetime as dt
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import IntegrityError, transaction

from annotation import lifecycle, messages, policies, tasks
from annotation import overlap as overlaps
from annotation.agreement.tally import MOST_STRATA
from annotation.blinding import guesses
from annotation.blinding.gate import Held
from annotation.items import LONGEST_STRATUM, Item, ResponseItem
from annotation.models import Campaign, Priority, Protocol, Rubric
from annotation.onboarding import courses, qualification
from annotation.protocols import Rules, rules_of
from annotation.repeats import Repeats
from annotation.sla import sla_policies
from datasets import versions
from datasets.sampling import shuffled_rank
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.record import record
from evaltrack.ndjson import BrokenLines
from evaltrack.notifications import outbox
from experiments import suite
from experiments.models import Arm, Experiment, ExperimentStatus, Outcome, Output


def open_campaign(
    experiment: Experiment,
    *,
    at: dt.datetime,
    by: User | None = None,
    due_at: dt.datetime | None = None,
    is_simulated: bool = False,
) -> Campaign | None:
    """Open the campaign that the gate policy asks for; None where another worker was faster.

    `by`: the lead who did not wait for a worker. What is asked, and of how many, is the policy's word all the same.
    """
    if by is not None:
        refuse_if(policies.opening(by))
    rule = suite.parse(experiment.policy.body).human or suite.HumanRule()
    with transaction.atomic():
        held = Experiment.objects.select_for_update().get(pk=experiment.pk)
        if by is not None and held.status != ExperimentStatus.AWAITING_PEOPLE:
            raise Conflict("not_waiting", "This experiment does not wait for people.")
        if Campaign.objects.filter(experiment=experiment, is_simulated=is_simulated).exists():
            return None
        campaign = Campaign.objects.create(
            name=f"Pairwise review of {rule.items} answers",
            experiment=experiment,
            rubric=usual_rubric(rules_of(Protocol.PAIRWISE)),
            overlap=rule.overlap,
            seed=new_seed(),
            is_simulated=is_simulated,
            guess_share=rule.guess_share,
            repeat_share=rule.repeat_share,
            production=Arm.BASELINE.value if rule.guess_share else "",
            opened_by=by,
            **sla_policies.columns("", Priority.NORMAL, due_at, at=at),
            opened_at=at,
        )
        sample = enumerate(sampled_items(campaign, experiment, size=rule.items), start=1)
        _, found = tasks.add(campaign, sample, due_at=campaign.due_at)
        campaign.refresh_from_db(fields=["task_count"])
        if not is_simulated:
            outbox.post(messages.campaign_opened(campaign), to=outbox.holders("lead"), at=at)
            outbox.post(messages.tasks_waiting(campaign), to=qualification.judges_of(campaign), at=at)
        tell_of_held(campaign, found, at=at)
        record_opening(campaign, by=by or SYSTEM, at=at)
    return campaign


@transaction.atomic
def open_stand_alone(
    *,
    name: str,
    overlap: int | overlaps.Adaptive,
    due_at: dt.datetime | None,
    by: User,
    at: dt.datetime,
    protocol: str = Protocol.PAIRWISE,
    rubric: Mapping[str, Any] | None = None,
    skills: Iterable[str] = (),
    language: str = "",
    requires_qualification: bool = False,
    guess: guesses.About | None = None,
    repeats: Repeats | None = None,
    sla: str = "",
    priority: str = Priority.NORMAL,
) -> Campaign:
    """Open a campaign over items that were made elsewhere; they are added next.

    `rubric`: name, question and guidance, and what `rubrics.Details` may hold and its protocol takes; without one,
    the protocol's usual.
    `skills`, by their slugs, and `language`: what is asked of everybody who judges.
    `guess`: on which share of judgments it is asked which response is thought to be in production.
    `repeats`: how much of what each is given they have judged before.
    `sla`: the name of the policy that says when it is due, by `priority`, where `due_at` does not, and what happens
    then.
    `requires_qualification`: only who has qualified in the rubric's course is given its tasks.
    """
    refuse_if(policies.opening(by))
    rules = rules_of(protocol)
    columns = overlaps.columns(overlap, protocol)
    needed, tag = qualification.checked(skills, language)
    version = rubric_version(rules, rubric) if rubric else usual_rubric(rules)
    campaign = Campaign.objects.create(
        name=name,
        protocol=protocol,
        language=tag,
        rubric=version,
        course=courses.ready(version) if requires_qualification else None,
        **columns,
        **(guess.columns(protocol) if guess else {}),
        **(repeats.columns() if repeats else {}),
        seed=new_seed(),
        **sla_policies.columns(sla, priority, due_at, at=at),
        opened_by=by,
        opened_at=at,
    )
    campaign.skills.set(needed)
    record_opening(campaign, by=by, at=at)
    return campaign


@transaction.atomic
def add_items(
    campaign_id: int, items: Iterator[tuple[int, Item]], *, by: User, at: dt.datetime, unit: str = ""
) -> tuple[int, Held]:
    """Add items to a stand-alone campaign: all, or none. How many there were, and how many are held.

    `unit`: what their numbers count, where it is not lines.
    """
    # Held to the end, so that two uploads balance their places together.
    campaign = Campaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign_id)
    refuse_if(policies.opening(by))
    lifecycle.refuse_unless_filled_by_hand(campaign)
    was_empty = campaign.task_count == 0
    try:
        added, found = tasks.add(campaign, items, due_at=campaign.due_at)
    except BrokenLines as broken:
        raise (broken.counted_by(unit) if unit else broken).as_invalid() from None
    if was_empty:
        outbox.post(messages.tasks_waiting(campaign), to=qualification.judges_of(campaign), at=at)
    tell_of_held(campaign, found, at=at)
    return added, found


def tell_of_held(campaign: Campaign, found: Held, *, at: dt.datetime) -> None:
    if found.held:
        outbox.post(messages.tasks_held(campaign, found.held, at), to=outbox.holders("lead"), at=at)


def record_opening(campaign: Campaign, *, by: Any, at: dt.datetime) -> None:
    record(
        Event.CAMPAIGN_OPENED,
        by=by,
        subject=campaign,
        facts=campaign.experiment_fact()
        | qualification.demanded(campaign)
        | {
            "items": campaign.task_count,
            "overlap": campaign.overlap,
            "protocol": campaign.protocol,
            "rubric": str(campaign.rubric),
            "simulated": campaign.is_simulated,
        }
        | adaptive_facts(campaign)
        | sla_policies.facts(campaign)
        | ({"guess_share": campaign.guess_share} if campaign.guess_share else {})
        | ({"repeat_share": campaign.repeat_share} if campaign.repeat_share else {}),
        at=at,
    )


def adaptive_facts(campaign: Campaign) -> dict[str, Any]:
    """What the ledger says of adaptive overlap: nothing where the overlap is fixed."""
    if campaign.max_overlap is None:
        return {}
    return {
        "max_overlap": campaign.max_overlap,
        "confidence": campaign.confidence,
        "calibration_share": campaign.calibration_share,
    }


def new_seed() -> str:
    """Drawn, and not made of names: who could guess it could compute which system stands where."""
    return secrets.token_hex(32)


def usual_rubric(rules: Rules) -> Rubric:
    """What the protocol asks where nobody has said what to ask."""
    usual = rules.default_rubric
    newest = Rubric.objects.filter(name=usual["name"], protocol=rules.name).order_by("-version").first()
    return newest or rubric_version(rules, usual)


def rubric_version(rules: Rules, rubric: Mapping[str, Any]) -> Rubric:
    """The newest version of a rubric, if it is this one, or the next. What was judged by keeps its own version."""
    rules.check_rubric(rubric)
    name = rubric["name"]
    columns = {"question": rubric["question"], "guidance": rubric["guidance"]}
    wanted = columns | {"body": {k: v for k, v in rubric.items() if v and k not in {"name", *columns}}}
    newest = Rubric.objects.filter(name=name).order_by("-version").first()
    if newest and newest.protocol != rules.name:
        sentence = f"is the name of a rubric for the protocol {newest.protocol}; choose another"
        raise Invalid("bad_rubric", f"{name!r} {sentence}.", {"rubric.name": [sentence]})
    if newest and wanted == {field: getattr(newest, field) for field in wanted}:
        return newest
    version = newest.version + 1 if newest else 1
    try:
        with transaction.atomic():
            return Rubric.objects.create(name=name, version=version, protocol=rules.name, **wanted)
    except IntegrityError:
        raise Conflict(
            "rubric_changed",
            f"Somebody else has just made a version of {name!r}; look at it, then try again.",
        ) from None


def sampled_items(campaign: Campaign, experiment: Experiment, *, size: int) -> Iterator[Item]:
    """A seeded sample of examples that both arms answered. An example's first tag is its stratum."""
    answered: dict[str, dict[str, int]] = {}
    # Of an example that was asked repeatedly people see its first answer, of both arms.
    rows = Output.objects.of_arms().filter(experiment=experiment, outcome=Outcome.ANSWERED, repeat=0)
    for identifier, arm, output in rows.values_list("example_id", "run__arm", "pk").iterator():
        answered.setdefault(identifier, {})[arm] = output
    both = sorted(
        (identifier for identifier, arms in answered.items() if len(arms) == len(Arm)),
        key=lambda identifier: shuffled_rank(f"{campaign.seed}-sample", identifier),
    )[:size]
    wanted = set(both)
    asked: dict[str, str] = {}
    tags: dict[str, str] = {}
    for example in versions.stream(experiment.dataset_version):
        if example.id in wanted:
            asked[example.id] = example.asked
            tags[example.id] = example.tags[0][:LONGEST_STRATUM] if example.tags else ""
    # Of very many tags each would be a stratum of next to nothing.
    strata = tags if len(set(tags.values())) <= MOST_STRATA else {}
    for identifier in both:
        baseline, candidate = (
            ResponseItem(source=arm.value, output=answered[identifier][arm.value])
            for arm in (Arm.BASELINE, Arm.CANDIDATE)
        )
        yield Item(identifier, asked[identifier], (baseline, candidate), stratum=strata.get(identifier, ""))
