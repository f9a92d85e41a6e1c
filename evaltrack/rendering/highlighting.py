"""Code: escaped, coloured by classes where the language is known, with line numbers that belong to nobody's copy."""

import re
import time
from collections.abc import Iterable, Iterator
from itertools import groupby

from pygments.token import STANDARD_TYPES, Token, _TokenType

from evaltrack.rendering import languages
from evaltrack.rendering.draft import Draft
from evaltrack.rendering.hidden import escaped

LONGEST = 100_000
LONGEST_LINE = 1_000
MOST_LINES = 20_000
# Lexers look ahead over white space from each of its characters.
_LONG_GAP = re.compile(r"\s{200}")

Piece = tuple[str, str]  # class, text


def drawn(content: str, draft: Draft) -> str:
    """One block of code, with numbered lines."""
    pieces = _pieces(content, languages.guess(content), draft)
    if content.count("\n") >= MOST_LINES:
        return f'<pre class="code"><code>{_markup(pieces)}</code></pre>'
    # The numbers are counters of the style sheet: not selected, not copied, not read out.
    lines = "".join(f'<span class="code-line">{_markup(line)}\n</span>' for line in _lines(pieces))
    return f'<pre class="code code-numbered"><code>{lines}</code></pre>'


def block(content: str, label: str, draft: Draft) -> str:
    """A block within a text; `label` is what its author says of the language."""
    language = f' class="language-{escaped(label)}"' if label else ""
    return f'<pre class="code"><code{language}>{_markup(_pieces(content, label, draft))}</code></pre>'


def _pieces(content: str, label: str, draft: Draft) -> list[Piece]:
    """The content in pieces of one class each; in one piece without class when it can't be coloured."""
    plain = [("", content)]
    lexer = languages.lexer(label)
    if lexer is None or len(content) > LONGEST or _LONG_GAP.search(content):
        return plain
    if max(map(len, content.split("\n"))) > LONGEST_LINE:
        return plain
    started = time.thread_time()
    pieces: list[Piece] = []
    for kind, text in lexer.get_tokens(content):
        if draft.out_of_colour(started):
            break
        pieces.append((_class_of(kind), text))
    draft.colour_left -= time.thread_time() - started
    # A lexer that was stopped, or that loses a character, must not change what is read.
    return pieces if "".join(text for _, text in pieces) == content else plain


def _class_of(kind: _TokenType) -> str:
    while kind not in STANDARD_TYPES and kind.parent:
        kind = kind.parent
    short = STANDARD_TYPES.get(kind, "")
    return f"tok-{short}" if short and kind is not Token.Text.Whitespace else ""


def _markup(pieces: Iterable[Piece]) -> str:
    parts = []
    for name, group in groupby(pieces, key=lambda piece: piece[0]):
        text = escaped("".join(text for _, text in group))
        parts.append(f'<span class="{name}">{text}</span>' if name else text)
    return "".join(parts)


def _lines(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    line: list[Piece] = []
    for name, text in pieces:
        first, *others = text.split("\n")
        line.append((name, first))
        for other in others:
            yield line
            line = [(name, other)]
    if any(text for _, text in line):
        yield line
