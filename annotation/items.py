"""Pure: stand-alone items to be judged, as they come in NDJSON, a line each."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from annotation.attached import MediaReference, read_contexts, read_media
from annotation.protocols import Rules, rules_of
from annotation.protocols.pairwise import RESPONSES
from annotation.turns import read_turns, without_ids
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.fields import WrongField, mapping, named, one_of, read_rows, text
from evaltrack.ndjson import holds_nul

FIELDS = {"item", "prompt", "prompt_format", "responses", "stratum", "contexts", "media", "gold"}
GOLD_FIELDS = {"preference", "why", "check"}
RESPONSE_FIELDS = {"source", "text", "format", "turns", "contexts", "media"}
FORMATS = ("text", "markdown", "code", "json", "chat", "passages")
LONGEST_NAME, LONGEST_STRATUM, LONGEST_WHY = 200, 80, 2000
# Answers that name no system: a system of that name could not be told from them.
RESERVED = frozenset({"tie", "both_bad"})
PAIRWISE = rules_of("pairwise")


def task_key(item: str, sources: Iterable[str]) -> str:
    """The digest of an item and its systems, in whichever order."""
    return sha256_hex(canonical_json([item, *sorted(sources)]))


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
    """What is right about an item, and why: 1 or 2 is the response in that place of the line.

    With `check` it is an attention check: so obvious that only who did not read misses it.
    """

    preference: int | str
    why: str
    check: bool = False


@dataclass(frozen=True)
class Item:
    """A prompt with the responses that are to be judged together, in the order in which they were named."""

    item: str
    prompt: str
    responses: tuple[ResponseItem, ...]
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
        return task_key(self.item, self.sources)

    @property
    def group(self) -> str:
        """What places are balanced within: the systems and the stratum; gold, which is not counted, apart."""
        apart = ["gold"] if self.gold else []
        return sha256_hex(canonical_json([self.stratum, *self.sources, *apart]))

    def gold_choice(self, ordinals: Mapping[str, int]) -> str:
        """The gold answer in the words in which choices are stored; `ordinals` are those of the sources."""
        assert self.gold is not None
        if isinstance(self.gold.preference, str):
            return self.gold.preference
        return RESPONSES[ordinals[self.responses[self.gold.preference - 1].source]]


def read_items(lines: Iterable[bytes], rules: Rules = PAIRWISE) -> Iterator[tuple[int, Item]]:
    """Items of a protocol with their line numbers. Raises BrokenLines at the end if any line was bad."""
    return read_rows(lines, lambda row: item_of(row, rules))


def item_of(row: dict[str, Any], rules: Rules = PAIRWISE) -> Item:
    mapping(row, "", FIELDS)
    if holds_nul(row):
        raise WrongField("", "holds a NUL character; remove it")
    responses = responses_of(row, rules)
    prompt, prompt_format = prompt_of(row)
    contexts = read_contexts(row)
    for place, response in enumerate(responses):
        if contexts and response.contexts:
            reason = "stand on the item already; a citation like [1] could mean either"
            raise WrongField(f"responses[{place}].contexts", reason)
    return Item(
        item=text(row, "item", longest=LONGEST_NAME),
        prompt=prompt,
        responses=responses,
        prompt_format=prompt_format,
        stratum=text(row, "stratum", longest=LONGEST_STRATUM, default=""),
        contexts=contexts,
        media=read_media(row),
        gold=gold_of(row, responses, rules),
    )


def responses_of(row: dict[str, Any], rules: Rules) -> tuple[ResponseItem, ...]:
    responses = row.get("responses")
    if not isinstance(responses, list) or not rules.fewest <= len(responses) <= rules.most:
        wanted = f"must be a list of {rules.responses_wanted()}"
        raise WrongField("responses", f"{wanted}, as the campaign's protocol is {rules.name}")
    read = tuple(response_of(each, f"responses[{place}]", rules) for place, each in enumerate(responses))
    if len({response.source for response in read}) < len(read):
        raise WrongField("responses", "must each come from a source of its own")
    return read


def prompt_of(row: dict[str, Any]) -> tuple[str, str]:
    """A text, or the conversation so far as a list of turns."""
    if isinstance(row.get("prompt"), list):
        if row.get("prompt_format", "chat") != "chat":
            raise WrongField("prompt_format", "is chat where the prompt is a list of turns")
        return read_turns(row, "prompt"), "chat"
    prompt, format = text(row, "prompt"), one_of(row, "prompt_format", FORMATS, default="text")
    return (without_ids(prompt) if format == "chat" else prompt), format


def gold_of(item: dict[str, Any], responses: tuple[ResponseItem, ...], rules: Rules) -> GoldAnswer | None:
    if item.get("gold") is None:
        return None
    if rules != PAIRWISE:
        raise WrongField("gold", f"is for pairwise campaigns; this one's protocol is {rules.name}")
    row = mapping(item["gold"], "gold", GOLD_FIELDS, like="preference and why")
    preference = row.get("preference")
    if isinstance(preference, bool | float) or preference not in (1, 2, "tie", "both_bad"):
        raise WrongField(
            "gold.preference", 'is 1 or 2, the place of the better response, "tie" or "both_bad"'
        )
    why = text(row, "why", within="gold", longest=LONGEST_WHY)
    for source in (response.source for response in responses):
        # Evaluators read it. Shorter names are words of any sentence.
        if len(source) > 2 and re.search(rf"(?<!\w){re.escape(source)}(?!\w)", why, re.IGNORECASE):
            raise WrongField(
                "gold.why", f"names {source!r}; evaluators read it, and must not know the systems"
            )
    check = row.get("check", False)
    if not isinstance(check, bool):
        raise WrongField("gold.check", "is true of an attention check, and false or left out otherwise")
    return GoldAnswer(preference, why, check)


def response_of(value: Any, within: str, rules: Rules) -> ResponseItem:
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
        content = without_ids(content) if format == "chat" else content
    if format == "chat" and not rules.takes_chats:
        field = named(within, "turns" if "turns" in row else "format")
        raise WrongField(field, f"is a conversation; the protocol {rules.name} takes a text")
    source = text(row, "source", within=within, longest=LONGEST_NAME)
    if source in RESERVED:
        raise WrongField(
            named(within, "source"), f"is {source!r}, which is an answer; name the system otherwise"
        )
    return ResponseItem(
        source=source,
        text=content,
        format=format,
        contexts=read_contexts(row, within=within),
        media=media,
    )
