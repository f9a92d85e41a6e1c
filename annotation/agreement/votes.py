"""What was said about pairs, in one shape: by evaluators here, or elsewhere and imported. This unblinds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from annotation.models import Campaign, Choice, ImportedChoice, ImportedRater, Judgment, Response
from annotation.protocols.pairwise import as_shown
from evaltrack.accounts.models import User

NEITHER = frozenset({Choice.TIE.value, Choice.BOTH_BAD.value})
NO_ANSWERS: Mapping[str, str] = {}
EVALUATOR, IMPORTED = "evaluator", "imported"

# What two judgments must have in common to be compared: the item and the pair, in whichever order.
Unit: TypeAlias = tuple[str, str, str]
# One of two kinds, and the key of its row.
Rater: TypeAlias = tuple[str, int]


class Named(NamedTuple):
    """Somebody of whom only the pseudonym is known."""

    pseudonym: str


Person: TypeAlias = User | ImportedRater | Named


class Vote(NamedTuple):
    """`said` is a system, "tie" or "both_bad"; `left` and `right` are the systems in the order shown."""

    item: str
    left: str
    right: str
    said: str
    rater: Rater
    # By criterion, as `said`.
    answers: Mapping[str, str] = NO_ANSWERS
    # Of the task; "" where it is of none.
    stratum: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        return (self.left, self.right) if self.left < self.right else (self.right, self.left)

    @property
    def unit(self) -> Unit:
        return self.item, *self.pair


def of_judgments(judgments: Iterable[Judgment], sources: Mapping[int, list[str]]) -> Iterator[Vote]:
    """`judgments` come with their tasks; `sources` names each task's systems by ordinal."""
    for judgment in judgments:
        pair = sources[judgment.task_id]
        named = dict(zip((Choice.FIRST.value, Choice.SECOND.value), pair, strict=True))
        first_left = as_shown(Choice.FIRST.value, judgment.places) == 1
        left, right = pair if first_left else reversed(pair)
        yield Vote(
            judgment.task.item,
            left,
            right,
            named.get(str(judgment.choice), str(judgment.choice)),
            (EVALUATOR, judgment.evaluator_id),
            {name: named.get(said, said) for name, said in judgment.answers.items()} or NO_ANSWERS,
            judgment.task.stratum,
        )


def imported(campaign: Campaign, *, with_answers: bool) -> Iterator[Vote]:
    """Streamed as values: there may be very many, and a file's names are kept once. `with_answers` where the rubric
    has criteria: they take longer to read than all the rest. What was judged elsewhere is of the stratum that its
    task has here, if it has one."""
    names = dict(campaign.imported_sources.values_list("pk", "name"))
    items: dict[str, str] = {}
    strata = strata_of(campaign)
    rows = (
        campaign.imported_judgments.order_by("pk")
        .values_list(
            "item", "left_id", "right_id", "choice", "rater_id", *(["answers"] if with_answers else [])
        )
        .iterator()
    )
    for item, left_id, right_id, choice, rater, *more in rows:
        left, right = names[left_id], names[right_id]
        named = {ImportedChoice.LEFT.value: left, ImportedChoice.RIGHT.value: right}
        vote = Vote(
            items.setdefault(item, item),
            left,
            right,
            named.get(choice, choice),
            (IMPORTED, rater),
            {name: named.get(said, said) for name, said in more[0].items()} if more else NO_ANSWERS,
        )
        yield vote._replace(stratum=strata.get(vote.unit, "")) if strata else vote


def strata_of(campaign: Campaign) -> dict[Unit, str]:
    """Of the tasks that have one."""
    rows = Response.objects.filter(task__campaign=campaign).exclude(task__stratum="")
    tasks: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for task, *each in rows.values_list("task", "task__item", "source", "task__stratum"):
        tasks[task].append((each[0], each[1], each[2]))
    found = {}
    for (item, one, stratum), (_, other, _) in tasks.values():
        found[item, min(one, other), max(one, other)] = stratum
    return found


def imported_people(campaign: Campaign) -> dict[Rater, Person]:
    return {(IMPORTED, each.pk): each for each in campaign.imported_raters.all()}
