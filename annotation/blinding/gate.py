"""The gate before release: text is scanned as it is added, and what names a system is held or refused.

Tasks are held, as systems wrote them and a lead can decide. Lessons and the reasons of gold are refused: a lead
writes those by hand, and can write them otherwise.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.conf import settings

from annotation.blinding import identity
from annotation.blinding.readable import Readable
from annotation.items import Item
from annotation.models import Campaign, Flag, Response, Task
from evaltrack.ndjson import BrokenLines, LineError
from experiments.models import Output

# More sources than this are no names of systems but of items; each item is then searched for its own two alone.
MOST_ALIASES = 50
# Fields of JSON by which an answer says what gave it.
WRITER = frozenset({"model", "model_id", "model_name", "engine", "deployment", "provider"})


@dataclass
class Held:
    """How many tasks an upload's scan held, and in how many more a vendor or model is merely mentioned."""

    held: int = 0
    mentioned: int = 0


class Gate:
    """Scans tasks as they are added, a batch at a time."""

    def __init__(self, campaign: Campaign) -> None:
        self.aliases = set(settings.REVIEW_ALIASES) | names_of(campaign)
        self.is_stand_alone = campaign.experiment_id is None
        self.scanner = identity.Scanner(self.aliases)
        self.found = Held()

    def learn(self, items: Iterable[Item]) -> None:
        """What the systems of these items are called."""
        new = {source for item in items for source in item.sources} - self.aliases
        if self.is_stand_alone and new and len(self.aliases) + len(new) <= MOST_ALIASES:
            self.aliases |= new
            self.scanner = identity.Scanner(self.aliases)

    def refuse_telling_gold(self, batch: list[tuple[int, Item]]) -> None:
        """Why gold is right is read by evaluators, later."""
        errors = [
            error
            for number, item in batch
            if item.gold
            for error in telling(number, "gold.why", [item.gold.why], self.scanner_for(item))
        ]
        if errors:
            raise BrokenLines(errors)

    def flags(self, tasks: list[Task], responses: list[Response], items: list[Item]) -> list[Flag]:
        """What holds tasks of one batch. The rows are stored already."""
        outputs = [row.output_id for row in responses if row.output_id]
        texts = dict(Output.objects.filter(pk__in=outputs).values_list("pk", "text"))
        given: dict[int, list[Response]] = defaultdict(list)
        for row in responses:
            given[row.task_id].append(row)
        flags: list[Flag] = []
        for task, item in zip(tasks, items, strict=True):
            scanner = self.scanner_for(item)
            parts: list[tuple[Response | None, Readable]] = [(None, prompt_of(task))]
            for row in given[task.pk]:
                text = row.text if row.output_id is None else texts[row.output_id]
                parts.append((row, Readable(text, row.format, row.contexts, row.media)))
            findings = [
                (response, found) for response, readable in parts for found in scanned(scanner, readable)
            ]
            certain = [
                flag_of(task, response, found)
                for response, found in findings
                if found.level == identity.CERTAIN
            ]
            self.found.held += bool(certain)
            self.found.mentioned += bool(findings) and not certain
            flags += certain
        return flags

    def scanner_for(self, item: Item) -> identity.Scanner:
        if not self.is_stand_alone or self.aliases.issuperset(item.sources):
            return self.scanner
        return scanner_of(item)


def scanned(scanner: identity.Scanner, readable: Readable) -> list[identity.Finding]:
    strings = readable.strings()
    of_itself = {number for number, (path, _) in enumerate(strings) if path.rpartition(".")[2] in WRITER}
    return scanner.scan(*(words for _, words in strings), of_itself=of_itself)


def prompt_of(task: Task) -> Readable:
    return Readable(task.prompt, task.prompt_format, task.contexts, task.media)


def flag_of(task: Task, response: Response | None, found: identity.Finding) -> Flag:
    return Flag(
        task=task,
        response=response,
        part=found.part,
        start=found.start,
        end=found.end,
        text=found.text,
        kind=found.kind,
    )


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


def scanner_of_task(task: Task) -> identity.Scanner:
    """For what evaluators wrote about a task: by the systems of its campaign, and by its own."""
    sources = task.responses.values_list("source", flat=True)
    return identity.Scanner([*settings.REVIEW_ALIASES, *names_of(task.campaign), *sources])


def scanner_of(item: Item) -> identity.Scanner:
    """For the two systems of one item."""
    return identity.Scanner([*settings.REVIEW_ALIASES, *item.sources])


def telling_lesson(number: int, item: Item) -> Iterator[LineError]:
    """What in a lesson would tell evaluators which system wrote it."""
    scanner = scanner_of(item)
    parts = {"prompt": Readable(item.prompt, item.prompt_format)}
    for place, each in enumerate(item.responses):
        parts[f"responses[{place}]"] = Readable(each.text, each.format)
    if item.gold:
        parts["gold.why"] = Readable(item.gold.why, "text")
    for name, readable in parts.items():
        yield from telling(number, name, [words for _, words in readable.strings()], scanner)


def telling(number: int, name: str, texts: list[str], scanner: identity.Scanner) -> Iterator[LineError]:
    found = [each for each in scanner.scan(*texts) if each.level == identity.CERTAIN]
    if found:
        first = found[0]
        written = texts[first.part][first.start : first.end][:80]
        yield LineError(number, name, f"names {written!r}; evaluators read it, and must not know the systems")
