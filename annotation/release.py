"""Acts: hold tasks whose text names a system, and release them as the lead decides."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from annotation import campaigns, identity, policies
from annotation.items import Item
from annotation.models import Campaign, Decision, Flag, Response, Slot, SlotState, Task
from evaltrack.accounts.models import User
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.errors import Conflict, Invalid, NotFound, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from experiments.models import Output

# More sources than this are no names of systems but of items; each item is then searched for its own two alone.
MOST_ALIASES = 50
# Each excluded task is an entry of its own in the ledger.
MOST_EXCLUDED = 200


@dataclass
class Held:
    """How many tasks an upload's scan held, and in how many more a vendor or model is merely mentioned."""

    held: int = 0
    mentioned: int = 0


class Gate:
    """Scans tasks as they are added."""

    def __init__(self, campaign: Campaign) -> None:
        self.aliases = set(settings.REVIEW_ALIASES) | names_of(campaign)
        self.is_stand_alone = campaign.experiment_id is None
        self.scanner = identity.Scanner(self.aliases)
        self.found = Held()

    def flags(self, tasks: list[Task], responses: list[Response], items: list[Item]) -> list[Flag]:
        """What holds tasks of one batch. The rows are stored already; two responses stand for each task."""
        if self.is_stand_alone:
            self.learn(source for item in items for source in item.sources)
        texts = dict(
            Output.objects.filter(pk__in=[row.output_id for row in responses if row.output_id]).values_list(
                "pk", "text"
            )
        )
        flags: list[Flag] = []
        for place, (task, item) in enumerate(zip(tasks, items, strict=True)):
            findings: list[tuple[Response | None, list[identity.Finding]]] = [
                (None, self.scan(task.prompt, item))
            ]
            for response in responses[2 * place : 2 * place + 2]:
                content = response.text if response.output_id is None else texts[response.output_id]
                findings.append((response, self.scan(content, item)))
            certain = [
                Flag(task=task, response=response, start=f.start, end=f.end, text=f.text, kind=f.kind)
                for response, found in findings
                for f in found
                if f.level == identity.CERTAIN
            ]
            self.found.held += bool(certain)
            self.found.mentioned += not certain and any(found for _, found in findings)
            flags += certain
        return flags

    def learn(self, sources: Iterable[str]) -> None:
        new = set(sources) - self.aliases
        if new and len(self.aliases) + len(new) <= MOST_ALIASES:
            self.aliases |= new
            self.scanner = identity.Scanner(self.aliases)

    def scan(self, text: str, item: Item) -> list[identity.Finding]:
        if not self.is_stand_alone or self.aliases.issuperset(item.sources):
            return self.scanner.scan(text)
        return identity.Scanner(settings.REVIEW_ALIASES + item.sources).scan(text)


def names_of(campaign: Campaign) -> set[str]:
    """What the campaign's systems are called: by the experiment's configurations, or by what was added before."""
    experiment = campaign.experiment
    if experiment is None:
        sources = Response.objects.filter(task__campaign=campaign).order_by().values_list("source", flat=True)
        return set(sources.distinct()[:MOST_ALIASES])
    names = {experiment.component.name}
    for version in (experiment.candidate, experiment.baseline):
        if version is not None:
            names |= {version.version, str(version.configuration.get("target", {}).get("model", ""))}
    return names


# ── The lead decides ─────────────────────────────────────────────────────────────────────────────────


def undecided(campaign: Campaign) -> QuerySet[Flag]:
    return Flag.objects.filter(task__campaign=campaign, decision="")


@transaction.atomic
def decide(
    campaign_id: int,
    *,
    decision: str,
    by: User,
    at: dt.datetime,
    flag: uuid.UUID | None = None,
    text: str = "",
    reason: str = "",
) -> int:
    """Decide one flag, or every undecided one with the same text; how many. Tasks with none left are released."""
    # One lead at a time, so that the last flag of a task is seen to be the last.
    campaign = campaigns.locked(campaign_id)
    refuse_if(policies.checking(by, campaign))
    if decision not in Decision.values:
        sentence = f"is one of {', '.join(Decision.values)}"
        raise Invalid("bad_decision", f"The decision {sentence}.", {"decision": [sentence]})
    chosen = undecided(campaign)
    chosen = chosen.filter(public_id=flag) if flag else chosen.filter(text=text)
    rows = list(chosen.select_related("task").order_by("pk"))
    if not rows:
        if flag and not Flag.objects.filter(task__campaign=campaign, public_id=flag).exists():
            raise NotFound("no_such_flag", "This campaign has no such flag.")
        raise Conflict("already_decided", "This was decided before; look at what is left.")
    if decision == Decision.EXCLUDE:
        exclude(rows, by=by, reason=reason, at=at)
    else:
        Flag.objects.filter(pk__in=chosen.values("pk")).update(
            decision=decision, decided_by=by, decided_at=at, reason=reason.strip()
        )
        if decision == Decision.REDACT:
            record_redaction(campaign, rows, by=by, at=at)
    release(campaign)
    return len(rows)


def exclude(rows: list[Flag], *, by: User, reason: str, at: dt.datetime) -> None:
    tasks = {row.task_id for row in rows}
    if len(tasks) > MOST_EXCLUDED:
        raise Conflict(
            "too_many",
            f"This would exclude {len(tasks)} items, and {MOST_EXCLUDED} at a time can be. Redact the text instead, "
            "or add the items anew without it.",
        )
    for task in sorted(tasks):
        campaigns.exclude_task(task, by=by, reason=reason, at=at)


def release(campaign: Campaign) -> int:
    """Open the slots of tasks that nothing holds any more, with the side and the order that they had."""
    holding = Flag.objects.filter(task=OuterRef("task"), decision="")
    waiting = Slot.objects.filter(campaign=campaign, state=SlotState.REVIEW)
    return waiting.filter(~Exists(holding)).update(state=SlotState.OPEN)


def record_redaction(campaign: Campaign, rows: list[Flag], *, by: User, at: dt.datetime) -> None:
    """One entry for the act: how much was taken away, a digest that proves which, and the text as a statement."""
    places = [
        [str(row.task.public_id), str(row.public_id), row.start, row.end, sha256_hex(row.text.encode())]
        for row in rows
    ]
    record(
        Event.TEXT_REDACTED,
        by=by,
        subject=campaign,
        facts={"flags": len(rows), "places_digest": sha256_hex(canonical_json(places))},
        statements={"text": ", ".join(sorted({row.text for row in rows}))},
        at=at,
    )
