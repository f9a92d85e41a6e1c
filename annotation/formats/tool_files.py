"""Pure: what files of other tools have in common: a reader to which the first tasks say what holds for the later."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import Fields
from evaltrack.fields import WrongField

# How many names of questions are kept, to be told where nobody answered the one that was said.
MOST_NAMES = 20


@dataclass(frozen=True)
class Pair:
    """An item and its two systems, in the order shown."""

    item: str
    left: str
    right: str


# What the references of exported tasks stand for; None: the task was excluded since.
Known: TypeAlias = Mapping[str, Pair | None]
# A judgment as a row of our NDJSON, or what is wrong with it; before it the part of the task in which it stands.
Located: TypeAlias = tuple[str, dict[str, Any] | WrongField]


class Judgments(ABC):
    """Reads one file, task by task; `noun` is what the tool calls a task."""

    noun: ClassVar[str]

    def __init__(self, fields: Fields, criteria: Collection[str], left_out: LeftOut) -> None:
        self.fields = fields
        self.criteria = criteria
        self.left_out = left_out
        # What is taken for the main question.
        self.question = fields.question
        self.seen: dict[str, None] = {}

    def references(self, task: Any) -> set[str]:
        """By which name of ours a task is to be looked up."""
        return set()

    @abstractmethod
    def rows(self, task: Any, known: Known) -> Iterator[Located]:
        """Each judgment of a task. Raises WrongField for what is wrong with the task itself."""

    def note(self, names: Collection[str]) -> None:
        self.seen |= dict.fromkeys(name for name in names if len(self.seen) < MOST_NAMES)


def named_sides(pair: Pair, sides: Mapping[str, str]) -> dict[str, str]:
    """Answers that name sides, as answers that name systems."""
    systems = {"left": pair.left, "right": pair.right}
    return {name: systems.get(side, side) for name, side in sides.items()}
