"""Pure: stand-alone items to be judged, as they come in NDJSON, a line each."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from annotation.attached import MediaReference, read_contexts, read_media
from annotation.fields import WrongField, mapping, one_of, text
from annotation.turns import read_turns
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError, holds_nul, read_object

FIELDS = {"item", "prompt", "prompt_format", "responses", "stratum", "contexts", "media", "gold"}
GOLD_FIELDS = {"preference", "why"}
RESPONSE_FIELDS = {"source", "text", "format", "turns", "contexts", "media"}
FORMATS = ("text", "markdown", "code", "json", "chat", "passages")
LONGEST_NAME, LONGEST_STRATUM, LONGEST_WHY = 200, 80, 2000
Row = TypeVar("Row")


@dataclass(frozen=True)
class ResponseItem:
    """What the system `source` answered: `text`, or the key of an output that is stored already."""

    source: str
    text: str = ""
    format: str = "markdown"
    output: int | None = None
    contexts: tuple[dict[str, str], ...] = ()
    media: tuple[MediaReference, ...] = ()


@dataclass(frozen=True)
class GoldAnswer:
    """What is right about an item, and why: 1 or 2 is the response in that place of the line."""

    preference: int | str
    why: str


@dataclass(frozen=True)
class Item:
    """A prompt with the two responses that are to be compared, in the order in which they were named."""

    item: str
    prompt: str
    responses: tuple[ResponseItem, ResponseItem]
    prompt_format: str = "text"
    stratum: str = ""
    contexts: tuple[dict[str, str], ...] = ()
    media: tuple[MediaReference, ...] = ()
    gold: GoldAnswer | None = None

    @property
    def sources(self) -> list[str]:
        return sorted(response.source for response in self.responses)

    @property
    def key(self) -> str:
        """The same item with the same systems, in whichever order they were named, is the same task."""
        return sha256_hex(canonical_json([self.item, *self.sources]))

    @property
    def group(self) -> str:
        """What sides are balanced within: the pair of systems and the stratum; gold, which is not counted, apart."""
        apart = ["gold"] if self.gold else []
        return sha256_hex(canonical_json([self.stratum, *self.sources, *apart]))

    def ordered(self, reference_is_first: bool) -> list[ResponseItem]:
        """The responses as rows keep them: by source, or the other way round, as was drawn."""
        return sorted(self.responses, key=lambda each: each.source, reverse=not reference_is_first)

    def gold_choice(self, ordered: list[ResponseItem]) -> str:
        """The gold answer in the words in which choices are stored."""
        assert self.gold is not None
        if isinstance(self.gold.preference, str):
            return self.gold.preference
        return "first" if self.responses[self.gold.preference - 1] == ordered[0] else "second"


def read_items(lines: Iterable[bytes]) -> Iterator[tuple[int, Item]]:
    """Items with their line numbers. Raises BrokenLines at the end if any line was bad."""
    return read_rows(lines, item_of)


def read_rows(lines: Iterable[bytes], row_of: Callable[[dict[str, Any]], Row]) -> Iterator[tuple[int, Row]]:
    errors: list[LineError] = []
    number = count = 0
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            row = row_of(read_object(raw)[0])
        except WrongField as wrong:
            errors.append(LineError(number, wrong.field, wrong.reason))
        except ValueError as error:
            errors.append(LineError(number, "", str(error)))
        else:
            count += 1
            if not errors:
                yield number, row
        if len(errors) >= MOST_ERRORS:
            break
    if not count and not errors:
        errors.append(LineError(max(number, 1), "", "there is no item; write one JSON object a line"))
    if errors:
        raise BrokenLines(errors)


def item_of(row: dict[str, Any]) -> Item:
    mapping(row, "", FIELDS)
    if holds_nul(row):
        raise WrongField("", "holds a NUL character; remove it")
    responses = row.get("responses")
    if not isinstance(responses, list) or len(responses) != 2:
        raise WrongField("responses", "must be a list of two")
    one, two = (response_of(each, f"responses[{place}]") for place, each in enumerate(responses))
    if one.source == two.source:
        raise WrongField("responses", "must come from two sources")
    prompt, prompt_format = prompt_of(row)
    contexts = read_contexts(row)
    for place, response in enumerate((one, two)):
        if contexts and response.contexts:
            reason = "stand on the item already; a citation like [1] could mean either"
            raise WrongField(f"responses[{place}].contexts", reason)
    return Item(
        item=text(row, "item", longest=LONGEST_NAME),
        prompt=prompt,
        responses=(one, two),
        prompt_format=prompt_format,
        stratum=text(row, "stratum", longest=LONGEST_STRATUM, default=""),
        contexts=contexts,
        media=read_media(row),
        gold=None if row.get("gold") is None else gold_of(row["gold"], (one.source, two.source)),
    )


def prompt_of(row: dict[str, Any]) -> tuple[str, str]:
    """A text, or the conversation so far as a list of turns."""
    if isinstance(row.get("prompt"), list):
        if row.get("prompt_format", "chat") != "chat":
            raise WrongField("prompt_format", "is chat where the prompt is a list of turns")
        return read_turns(row, "prompt"), "chat"
    return text(row, "prompt"), one_of(row, "prompt_format", FORMATS, default="text")


def gold_of(value: Any, sources: tuple[str, str]) -> GoldAnswer:
    row = mapping(value, "gold", GOLD_FIELDS, like="preference and why")
    preference = row.get("preference")
    if isinstance(preference, bool | float) or preference not in (1, 2, "tie", "both_bad"):
        raise WrongField(
            "gold.preference", 'is 1 or 2, the place of the better response, "tie" or "both_bad"'
        )
    why = text(row, "why", within="gold", longest=LONGEST_WHY)
    for source in sources:
        # Evaluators read it. Shorter names are words of any sentence.
        if len(source) > 2 and re.search(rf"(?<!\w){re.escape(source)}(?!\w)", why, re.IGNORECASE):
            raise WrongField(
                "gold.why", f"names {source!r}; evaluators read it, and must not know the systems"
            )
    return GoldAnswer(preference, why)


def response_of(value: Any, within: str) -> ResponseItem:
    row = mapping(value, within, RESPONSE_FIELDS, like="source and text")
    media = read_media(row, within=within)
    if "turns" in row:
        if clash := next((name for name in ("text", "format") if name in row), None):
            raise WrongField(f"{within}.{clash}", "stands beside turns; send one of the two")
        content, format = read_turns(row, "turns", within=within), "chat"
    else:
        # A system may have answered nothing; that is something to judge.
        content = text(row, "text", within=within, may_be_empty=True, default="" if media else None)
        format = one_of(row, "format", FORMATS, within=within, default="markdown")
    return ResponseItem(
        source=text(row, "source", within=within, longest=LONGEST_NAME),
        text=content,
        format=format,
        contexts=read_contexts(row, within=within),
        media=media,
    )
