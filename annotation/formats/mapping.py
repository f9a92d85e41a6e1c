"""Pure: what means what in a file of another tool: which fields hold what, and which answer says what."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from annotation.formats.judged_elsewhere import LEFT, RIGHT
from evaltrack.errors import Invalid
from evaltrack.fields import WrongField

SIDES = (LEFT, RIGHT, "tie", "both_bad")
MOST = 20
LONGEST = 200

# What people call the answers of such a question, each in the form that `plain` gives it.
STEMS = {
    LEFT: ("left", "first", "1", "a"),
    RIGHT: ("right", "second", "2", "b"),
}
NOUNS = ("", "response", "answer", "text", "model", "system", "output", "option")
ENDS = ("", "is better", "better")
TIES = ("tie", "equal", "same", "draw", "both equal", "equally good", "about the same", "no preference")
BOTH_BAD = ("both bad", "both are bad", "both are equally bad", "neither is good")


def plain(label: str) -> str:
    """Without case, punctuation and the space before a number: "Response_1 is better!" is "response1 is better"."""
    return re.sub(r"(?<=[a-z]) (?=\d)", "", " ".join(re.findall(r"[^\W_]+", label.casefold())))


def usual_labels() -> dict[str, str]:
    found = {
        plain(f"{noun} {stem} {end}"): side
        for side, stems in STEMS.items()
        for stem in stems
        for noun in NOUNS
        for end in ENDS
    }
    found |= {plain(label): "tie" for label in TIES}
    return found | {plain(label): "both_bad" for label in BOTH_BAD}


USUAL = usual_labels()
# Fields of the other tool's data that usually hold these, tried in their order.
ITEMS = ("item", "item_id", "example_id", "id")
PROMPTS = ("prompt", "question", "instruction", "input", "query")
RESPONSES = (
    ("response_1", "response_2"),
    ("response1", "response2"),
    ("response_a", "response_b"),
    ("answer_1", "answer_2"),
    ("answer1", "answer2"),
    ("answer_a", "answer_b"),
    ("text1", "text2"),
)
SOURCES: tuple[tuple[str, ...], ...] = (
    ("source_1", "source_2"),
    ("source1", "source2"),
    ("system_1", "system_2"),
    ("system1", "system2"),
    ("model_1", "model_2"),
    ("model1", "model2"),
    ("model_a", "model_b"),
)
SOURCE: tuple[tuple[str, ...], ...] = (("source",), ("system",), ("model",))


@dataclass(frozen=True)
class Fields:
    """`source` names the fields that hold the systems' names, in the order shown; `system` are the names themselves,
    where a place always had the same system. `labels` says which side an answer means."""

    item: str = ""
    prompt: str = ""
    response: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    question: str = ""
    # A list of labels is an order, the best first.
    ranking: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """What was said of the file; nothing where the usual was enough."""
        found = {
            name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }
        return {name: value for name, value in found.items() if value}

    def side(self, label: Any, path: str) -> str:
        if isinstance(label, str) and (side := self.labels.get(label) or USUAL.get(plain(label))):
            return side
        shown = label if isinstance(label, str) and len(label) <= LONGEST else type(label).__name__
        raise WrongField(
            path,
            f"{shown!r} is no answer that is known here. If the file belongs to this campaign's question, say what "
            "it means with left, right, tie or both_bad",
        )


PARAMETERS = ("item", "prompt", "response", "source", "system", "question", "ranking", *SIDES)


def fields_of(given: Mapping[str, Iterable[str]]) -> Fields:
    """From the parameters of a request or of a command, each with its values."""
    said = {name: [each for each in values if each] for name, values in given.items() if name in PARAMETERS}
    for name, values in said.items():
        if len(values) > MOST or any(len(value) > LONGEST for value in values):
            raise unfit(name, f"takes up to {MOST} values of {LONGEST} characters")
    for name in ("item", "prompt", "question", "ranking"):
        if len(said.get(name, ())) > 1:
            raise unfit(name, "is said once")
    labels: dict[str, str] = {}
    for side in SIDES:
        for label in said.get(side, ()):
            if label in labels:
                raise unfit(side, f"{label!r} means {labels[label]} already")
            labels[label] = side
    if said.get("source") and said.get("system"):
        raise unfit("system", "stands beside source; say one of the two")
    ranking = next(iter(said.get("ranking", ())), "false")
    if ranking not in ("true", "false"):
        raise unfit("ranking", "is true or false")
    return Fields(
        item=next(iter(said.get("item", ())), ""),
        prompt=next(iter(said.get("prompt", ())), ""),
        response=tuple(said.get("response", ())),
        source=tuple(said.get("source", ())),
        system=tuple(said.get("system", ())),
        question=next(iter(said.get("question", ())), ""),
        ranking=ranking == "true",
        labels=labels,
    )


def unfit(name: str, sentence: str) -> Invalid:
    return Invalid("bad_mapping", f"`{name}` {sentence}.", {name: [sentence]})


# ── Looking things up ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Row:
    """The data of a task or record: where a field may stand, the first place first, each with its path in errors."""

    places: tuple[tuple[str, Mapping[str, Any]], ...]

    def has(self, name: str) -> bool:
        return any(name in where for _, where in self.places)

    def value(self, name: str) -> Any:
        return next((where[name] for _, where in self.places if name in where), None)

    def name(self, name: str) -> str:
        """A field that holds a name: text, or a whole number."""
        value = self.value(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value:
            return value
        raise WrongField(self.path(name), "must be text, and not empty" if self.has(name) else "is missing")

    def path(self, name: str) -> str:
        path = next((path for path, where in self.places if name in where), self.places[0][0])
        return f"{path}.{name}" if path else name


def systems_of(row: Row, fields: Fields, *, count: int) -> list[str]:
    """The systems in the order shown."""
    for name, said in (("system", fields.system), ("source", fields.source)):
        if said and len(said) != count:
            raise WrongField(
                "", f"needs `{name}` {count} times, once for each response; it is said {len(said)} times"
            )
    if fields.system:
        return list(fields.system)
    known = {1: SOURCE, 2: SOURCES}.get(count, ())
    names = fields.source or next((names for names in known if all(map(row.has, names))), ())
    if not names:
        raise WrongField(
            row.places[0][0],
            "names no systems: say with `source` which fields hold their names, in the order shown; or with `system` "
            "how they are called, if each always stood in the same place",
        )
    return [row.name(name) for name in names]


def item_of(row: Row, fields: Fields) -> str | None:
    """What the file calls the item; None where it does not."""
    if fields.item:
        return row.name(fields.item)
    usual = next((name for name in ITEMS if row.has(name)), None)
    return row.name(usual) if usual else None
