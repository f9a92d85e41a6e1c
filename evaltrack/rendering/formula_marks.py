"""Where a formula begins and ends in markdown: $…$, $$…$$, \\(…\\), \\[…\\]. Prices are none."""

import re

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

LONGEST = 2_000
CLOSING = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$"}
DISPLAY = {"$$", "\\["}

_WRITTEN_TEXT = re.compile(r"\\(?:text|mbox|mathrm|operatorname)[a-z]*\s*\{[^{}]*\}|\\[A-Za-z]+")
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,}")
_SIGN = re.compile(r"[\\^_={}]")
_DOLLAR = re.compile(r"(?<!\\)\$")


def in_a_line(state: StateInline, silent: bool) -> bool:
    """An inline rule of markdown-it: a formula within a paragraph."""
    source, start = state.src, state.pos
    if source[start] not in "$\\":
        return False
    opening = next((each for each in CLOSING if source.startswith(each, start)), None)
    if opening is None:
        return False
    first = start + len(opening)
    last = _end(source, first, opening, state.posMax)
    if last is None:
        return False
    content = source[first:last]
    end = last + len(CLOSING[opening])
    if not content.strip() or _is_prose(content):
        return False
    if opening in {"$", "$$"} and not _is_formula(source, start, end, content, opening):
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content = content
        token.meta = {"source": source[start:end], "display": opening in DISPLAY}
    state.pos = end
    return True


def _end(source: str, first: int, opening: str, limit: int) -> int | None:
    """Where the next closing sign stands. Only the next one counts, which keeps the search short."""
    closing = CLOSING[opening]
    limit = min(limit, first + LONGEST + len(closing))
    at = first
    while (at := source.find(closing, at, limit)) != -1:
        before = at
        while before > first and source[before - 1] == "\\":
            before -= 1
        if (at - before) % 2 == 0:
            return at
        at += 1
    return None


def _is_formula(source: str, start: int, end: int, content: str, opening: str) -> bool:
    """Whether dollars enclose a formula: "$5 and $10", "US$5 or 10$" and "$HOME/bin:$PATH" do not."""
    before = source[start - 1 : start]
    after = source[end : end + 1]
    if "`" in content or before == "$" or after == "$":
        return False
    if opening == "$$":
        return not _DOLLAR.search(content)
    return not (content[0].isspace() or content[-1].isspace() or before.isalnum() or after.isalnum())


def _is_prose(content: str) -> bool:
    """Words, and nothing that only formulas have: of "$$ and $$$", and of brackets that were escaped."""
    bare = _WRITTEN_TEXT.sub(" ", content)
    words = _WORD.search(bare) is not None and (" " in content.strip() or "\n" in content.strip())
    starts_as_price = content.strip()[:1].isdigit()
    return words and (starts_as_price or not _SIGN.search(content))


def as_a_block(state: StateBlock, first: int, last: int, silent: bool) -> bool:
    """A block rule of markdown-it: $$ or \\[ begins a line, its partner ends this or a later one."""
    if state.is_code_block(first):
        return False
    begin = state.bMarks[first] + state.tShift[first]
    opening = state.src[begin : begin + 2]
    if opening not in DISPLAY:
        return False
    closing = CLOSING[opening]
    lines: list[str] = []
    size = 0
    for number in range(first, last):
        start = state.bMarks[number] + state.tShift[number]
        line = state.src[start : state.eMarks[number]]
        if number > first and line and state.sCount[number] < state.blkIndent:
            return False  # the list item or quotation ends before the formula does
        if number > first and opening != closing and line.startswith(opening):
            return False  # or else each of many openings would look through all that follow
        line = line[2:] if number == first else line
        size += len(line)
        if size > LONGEST:
            return False
        inner, found, rest = line.partition(closing)
        lines.append(inner)
        if found:
            content = "\n".join(lines)
            if rest.strip() or not content.strip() or _is_prose(content):
                return False
            if not silent:
                token = state.push("formula", "", 0)
                token.content = content
                token.map = [first, number + 1]
                token.meta = {"source": f"{opening}{content}{closing}", "display": True}
                state.line = number + 1
            return True
    return False
