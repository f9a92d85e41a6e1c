"""Pure: text in which a system names itself, found by place.

`certain`: the text says of its own writer what it is or who made it ("I'm ChatGPT", "as an AI made by …"), or
names one of the aliases that the caller gives. `possible`: a vendor or a model family is merely mentioned. Where a
text says who wrote it, every mention beside it is certain too: what is left would still tell.

Every finding is a name. Names are found in one pass, and what makes them certain is looked for in a window of bounded
size around each: the time is linear in the text, whatever it says.

Measured on the labelled sentences of tests/annotation/blinding/identity_corpus.py, which were written by the author
of the scanner and flatter it: see `test_identity.py`, which states the numbers. It knows English phrases and names in
Latin letters; what a system says of itself by style, or in another language, it does not find.
"""

import re
import unicodedata
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from annotation.blinding.identity_words import BETWEEN, COMMON_NOUNS, FAMILIES, MAKING, ORDINARY, VENDORS

CERTAIN, POSSIBLE = "certain", "possible"
REDACTED = "[redacted]"
MOST_FINDINGS = 50
LONGEST_NAME = 200
BEFORE, AFTER = 120, 60
SHORTEST_ALIAS = 4
LONG_ENOUGH = 5

# Letters and digits only: a name may stand in Chinese text without blanks, and within markdown's stars.
START, END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
# A version: GPT-4o, Llama 3.1, claude-3-opus.
VERSION = r"(?:[- ]?\d[\w.-]{0,20})?(?<![.-])"


def alternatives(names: Iterable[str]) -> str:
    # The longest first, as the first that fits is taken.
    return "|".join(re.escape(name) for name in sorted(set(names), key=lambda name: (-len(name), name)))


NAMES = re.compile(
    rf"{START}(?:(?P<vendor>{alternatives(VENDORS)})(?P<owns>'s)?|(?P<family>{alternatives(FAMILIES)}){VERSION}){END}"
)
MADE = "|".join(sorted(MAKING))
MADE_BY = re.compile(
    rf"{START}(?:as|i am|i'm|i was) (?:an? )?(?:ai|artificial|large|language|assistant|chatbot)\b[^.!?\n\"]{{0,60}}?"
    rf"\b(?:{MADE}) by (?!(?:a|an|my|our|your|human|humans|people|experts|various|many|hand|"
    r"reading|using|which|who|whom|someone|somebody|others)\b)(?:the )?(?P<maker>[a-z0-9][\w&-]{0,40})"
)
# The first letters of each name, as a word: most texts hold none of these and end there, ten times sooner than by
# a pattern. Whatever is no letter parts words here.
SEPARATED = {place: place if chr(place).isalpha() else 32 for place in range(128)}
FIRST_WORDS = frozenset(
    name.translate(SEPARATED).split()[0] for name in (*FAMILIES, *VENDORS)
)  # fmt: skip
WORD = re.compile(r"[\w'-]+")
SELF = (
    ("i", "am"), ("i'm",), ("im",), ("i", "was"), ("i've",), ("i", "have"), ("my", "name"), ("my", "name's"),
    ("call", "me"), ("my", "creator"), ("my", "creators"), ("my", "developer"), ("my", "developers"),
    ("my", "maker"), ("my", "makers"), ("my", "training"), ("talking", "to"), ("talking", "with"),
    ("chatting", "with"), ("speaking", "to"), ("speaking", "with"), ("this",),
)  # fmt: skip
MAKERS = {*MAKING, "by", "creator", "creators", "developer", "developers", "maker", "makers", "training"}
MADE_ME = re.compile(rf"\W{{1,3}}(?:has |have )?(?:{MADE}) me\b")
OWN_SYSTEM = re.compile(
    r" (?:large |language |ai |own |helpful )?(?:ai|assistant|model|language model|chatbot)\b"
)
SPEAKS_OF_ITSELF = re.compile(r"\b(?:i|i'm|i've|my|me)\b")


@dataclass(frozen=True)
class Finding:
    """`text` is the name as the scanner reads it, by which equal findings are decided together.

    It stands in the text of the number `part`, of those that were scanned together.
    """

    level: str
    kind: str
    part: int
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Folded:
    """A text as it is compared. `origin` says where each character stood; None: where it stands."""

    text: str
    origin: list[int] | None

    def place(self, start: int, end: int) -> tuple[int, int]:
        if self.origin is None:
            return start, end
        # What was left out between the last character and the next belongs to neither.
        return self.origin[start], self.origin[end - 1] + 1


APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u02bc\uff07"), "'") | dict.fromkeys(
    map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-"
)
BLANKS = str.maketrans("\t\r\n\v\f", "     ")


def fold(text: str) -> Folded:
    """Case folded, NFKC, without characters of no width; every blank is one, and so is every apostrophe."""
    if text.isascii():
        return Folded(text.lower().translate(BLANKS), None)
    parts: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        if character.isascii():
            parts.append(character.lower())
            origin.append(place)
        elif not is_invisible(character):
            plain = folded_character(character)
            parts.append(plain)
            origin.extend([place] * len(plain))
    return Folded("".join(parts).translate(BLANKS), origin)


def is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or character in "\u034f\u115f\u1160\u3164\ufe0f\ufe0e"


@lru_cache(maxsize=4096)
def folded_character(character: str) -> str:
    plain = unicodedata.normalize("NFKC", character.translate(APOSTROPHES)).casefold()
    return plain if not plain.isspace() else " "


class Scanner:
    """Looks for the names that everybody knows and for `aliases`: what the systems at hand are called here."""

    def __init__(self, aliases: Iterable[str] = ()) -> None:
        self.alias_names = sorted({folded_alias(alias) for alias in aliases if is_telling(alias)})
        pattern = f"{START}(?:{alternatives(self.alias_names)}){END}"
        self.aliases = re.compile(pattern) if self.alias_names else None

    def scan(self, *texts: str, of_itself: Container[int] = ()) -> list[Finding]:
        """One finding for each name in the texts of one writer, where it first stands, in their order.

        `of_itself` are the numbers of texts in which any name says what wrote them: the value of a field `model`.
        Beyond the most that are told apart, one more covers all the rest, so that nothing is passed over.
        """
        found = self.first_places(texts, of_itself)
        if any(finding.level == CERTAIN for finding in found):
            found = [replace(finding, level=CERTAIN) for finding in found]
        return sorted(found, key=lambda finding: (finding.part, finding.start, finding.end))

    def first_places(self, texts: Iterable[str], of_itself: Container[int]) -> list[Finding]:
        found: dict[str, Finding] = {}
        for part, text in enumerate(texts):
            folded = fold(text)
            for start, end, level, kind in self.names(folded.text):
                if kind == "mention" and part in of_itself:
                    level, kind = CERTAIN, "self"
                name = folded.text[start:end][:LONGEST_NAME]
                known = found.get(name)
                if known is None and len(found) == MOST_FINDINGS:
                    place = folded.place(start, len(folded.text))
                    return [*found.values(), Finding(CERTAIN, "rest", part, *place, "\u2026")]
                if known is None or (known.level == POSSIBLE and level == CERTAIN):
                    found[name] = Finding(level, kind, part, *folded.place(start, end), name)
        return list(found.values())

    def names(self, text: str) -> Iterable[tuple[int, int, str, str]]:
        if self.aliases and any(alias in text for alias in self.alias_names):
            for match in self.aliases.finditer(text):
                yield match.start(), match.end(), CERTAIN, "alias"
        parts = set(text.translate(SEPARATED).split()) if text.isascii() else None
        ends: dict[int, int] = {}
        if parts is None or not FIRST_WORDS.isdisjoint(parts):
            for match in NAMES.finditer(text):
                ends[match.start()] = match.end()
                if is_certain(text, match):
                    yield match.start(), match.end(), CERTAIN, "self"
                elif (match["family"] or match["vendor"]) not in ORDINARY:
                    yield match.start(), match.end(), POSSIBLE, "mention"
        if parts is None or ("by" in parts and not MAKING.isdisjoint(parts)):
            for match in MADE_BY.finditer(text):
                start = match.start("maker")
                yield start, ends.get(start, match.end("maker")), CERTAIN, "self"


def is_certain(flat: str, match: re.Match[str]) -> bool:
    """Whether the text says it of itself, by the words right before and after the name."""
    before = flat[max(0, match.start() - BEFORE) : match.start()]
    after = flat[match.end() : match.end() + AFTER]
    if match["vendor"] and MADE_ME.match(after):
        return True
    # "… in 1815! I am": an earlier sentence says nothing of this one.
    cut = max(before.rfind(stop) for stop in (". ", "! ", "? ", "; "))
    words = WORD.findall(before[cut + 1 :])
    passed: list[str] = []
    while words and (words[-1] in BETWEEN or is_name(words[-1])):
        passed.append(words.pop())
    passed.reverse()
    tail = tuple(words[-2:])
    myself = tail in SELF or tail[-1:] in SELF or (tail[-1:] == ("i",) and passed[:1] == ["was"])
    as_one = tail[-1:] == ("as",) or (passed[:1] == ["as"] and tail[-1:] != ("such",))
    if match["vendor"]:
        of_own = match["owns"] is not None and OWN_SYSTEM.match(after) is not None
        if myself and tail[-1:] != ("this",) and (of_own or {*passed, *tail} & MAKERS):
            return True
        return as_one and bool({*passed} & MAKERS) and SPEAKS_OF_ITSELF.search(after) is not None
    if passed[-1:] in (["a"], ["an"], ["the"]) and match["family"] in COMMON_NOUNS:
        return False
    if tail[-1:] == ("this",):
        return passed[:1] == ["is"] and SPEAKS_OF_ITSELF.search(after) is not None
    if myself:
        return True
    return (
        passed[:1] == ["as"] and tail[-1:] != ("such",) and re.match(r"\W{1,4}i(?:'m)?\b", after) is not None
    )


@lru_cache(maxsize=4096)
def is_name(word: str) -> bool:
    return NAMES.fullmatch(word.strip("-'")) is not None


def is_telling(alias: str) -> bool:
    """Whether a name is long enough to tell a system, and not a word or a number found in any text."""
    plain = folded_alias(alias)
    return len(plain) >= SHORTEST_ALIAS and (
        any(character.isalpha() for character in plain) or plain.count(".") >= 2
    )


def folded_alias(alias: str) -> str:
    return fold(alias.strip()).text


def redacted(text: str, spans: Iterable[tuple[int, int]], names: Iterable[str]) -> str:
    """`text` without the spans, and without any other place at which one of the names stands."""
    folded = fold(text)
    places = list(spans)
    for name in set(names):
        # A short one may be a part of any word, a long one that is left within a word would still tell.
        around = ("", "") if len(name) >= LONG_ENOUGH else (r"(?<![a-z])", r"(?![a-z])")
        for match in re.finditer(re.escape(name).join(around), folded.text):
            places.append(folded.place(match.start(), match.end()))
    parts, done = [], 0
    for start, end in sorted(places):
        if end <= done:
            continue
        if start >= done:
            parts += [text[done:start], REDACTED]
        done = end
    return "".join([*parts, text[done:]])
