"""Pure: stand-alone items to be judged, as they come in NDJSON, a line each."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.protocols import Rules, rules_of
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError, holds_nul, read_object

FIELDS = {"item", "prompt", "prompt_format", "responses", "stratum"}
RESPONSE_FIELDS = {"source", "text", "format"}
FORMATS = ("text", "markdown", "code", "json", "chat", "passages")
LONGEST_NAME, LONGEST_STRATUM = 200, 80
PAIRWISE = rules_of("pairwise")


@dataclass(frozen=True)
class ResponseItem:
    """What the system `source` answered: `text`, or the key of an output that is stored already."""

    source: str
    text: str = ""
    format: str = "markdown"
    output: int | None = None


@dataclass(frozen=True)
class Item:
    """A prompt with the responses that are to be judged together, in the order in which they were named."""

    item: str
    prompt: str
    responses: tuple[ResponseItem, ...]
    prompt_format: str = "text"
    stratum: str = ""

    @property
    def sources(self) -> list[str]:
        return sorted(response.source for response in self.responses)

    @property
    def key(self) -> str:
        """The same item with the same systems, in whichever order they were named, is the same task."""
        return sha256_hex(canonical_json([self.item, *self.sources]))

    @property
    def group(self) -> str:
        """What places are balanced within: the systems and the stratum."""
        return sha256_hex(canonical_json([self.stratum, *self.sources]))


def read_items(lines: Iterable[bytes], rules: Rules = PAIRWISE) -> Iterator[tuple[int, Item]]:
    """Items of a protocol with their line numbers. Raises BrokenLines at the end if any line was bad."""
    errors: list[LineError] = []
    number = count = 0
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            item = item_of(read_object(raw)[0], rules)
        except WrongField as wrong:
            errors.append(LineError(number, wrong.field, wrong.reason))
        except ValueError as error:
            errors.append(LineError(number, "", str(error)))
        else:
            count += 1
            if not errors:
                yield number, item
        if len(errors) >= MOST_ERRORS:
            break
    if not count and not errors:
        errors.append(LineError(max(number, 1), "", "there is no item; write one JSON object a line"))
    if errors:
        raise BrokenLines(errors)


class WrongField(Exception):
    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def item_of(row: Mapping[str, Any], rules: Rules) -> Item:
    refuse_unknown(row, FIELDS, within="")
    if holds_nul(row):
        raise WrongField("", "holds a NUL character; remove it")
    responses = row.get("responses")
    if not isinstance(responses, list) or not rules.fewest <= len(responses) <= rules.most:
        wanted = f"must be a list of {rules.responses_wanted()}"
        raise WrongField("responses", f"{wanted}, as the campaign's protocol is {rules.name}")
    named = [response_of(each, f"responses[{place}]") for place, each in enumerate(responses)]
    if len({response.source for response in named}) < len(named):
        raise WrongField("responses", "must each come from a source of its own")
    return Item(
        item=text(row, "item", longest=LONGEST_NAME),
        prompt=text(row, "prompt"),
        responses=tuple(named),
        prompt_format=one_of(row, "prompt_format", default="text"),
        stratum=text(row, "stratum", longest=LONGEST_STRATUM, default=""),
    )


def response_of(row: Any, within: str) -> ResponseItem:
    if not isinstance(row, dict):
        raise WrongField(within, "must be an object with source and text")
    refuse_unknown(row, RESPONSE_FIELDS, within=within)
    return ResponseItem(
        source=text(row, "source", within=within, longest=LONGEST_NAME),
        # A system may have answered nothing; that is something to judge.
        text=text(row, "text", within=within, may_be_empty=True),
        format=one_of(row, "format", within=within, default="markdown"),
    )


def refuse_unknown(row: Mapping[str, Any], known: set[str], *, within: str) -> None:
    if unknown := sorted(set(row) - known):
        raise WrongField(named(within, unknown[0]), f"unknown field; known are {', '.join(sorted(known))}")


def text(
    row: Mapping[str, Any],
    name: str,
    *,
    within: str = "",
    longest: int | None = None,
    default: str | None = None,
    may_be_empty: bool = False,
) -> str:
    value = row.get(name, default)
    if not isinstance(value, str) or not (value or may_be_empty or default == ""):
        raise WrongField(named(within, name), "must be text" + ("" if may_be_empty else ", and not empty"))
    if longest is not None and len(value) > longest:
        raise WrongField(named(within, name), f"takes up to {longest} characters")
    return value


def one_of(row: Mapping[str, Any], name: str, *, within: str = "", default: str) -> str:
    value = row.get(name, default)
    if value not in FORMATS:
        raise WrongField(named(within, name), f"is one of {', '.join(FORMATS)}")
    return value


def named(within: str, name: str) -> str:
    return f"{within}.{name}" if within else name
