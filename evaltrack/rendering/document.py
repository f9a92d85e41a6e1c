"""The order of the work: cut, make visible, draw, sanitise, make visible again, fill in formulas, wrap."""

import functools
from collections.abc import Callable

from evaltrack.rendering import allowed, chat, formulas, highlighting, markdown, passages, tree
from evaltrack.rendering.draft import Draft
from evaltrack.rendering.hidden import escaped, shown, visible

LIMIT = 200_000


def text(content: str, draft: Draft) -> str:
    """The text as it is; a class keeps its white space."""
    return f'<div class="prose-text">{escaped(content)}</div>'


DRAWN: dict[str, Callable[[str, Draft], str | None]] = {
    "text": text,
    "markdown": markdown.drawn,
    "code": highlighting.drawn,
    "json": tree.drawn,
    "chat": chat.drawn,
    "passages": passages.drawn,
}
FORMATS = tuple(DRAWN)


def html_of(content: str, format: str) -> str:
    """Safe HTML of untrusted content.

    Content that is not what `format` says (no JSON, no list of messages) is drawn as text. More than 200 kB are cut,
    and a sentence says how much is missing. Which code is coloured depends on a time limit as well as on the content.
    Raises ValueError for a format that is not in FORMATS, and nothing for any content.
    """
    if format not in DRAWN:
        raise ValueError(f"{format!r} is no format. Choose one of: {', '.join(FORMATS)}.")
    kept, missing = _cut(content)
    return _html_of(kept, missing, format)


def _cut(content: str) -> tuple[str, int]:
    """What is shown, and how many bytes are not. Cut before the cache, whose keys would keep the rest alive."""
    if len(content) * 4 <= LIMIT:
        return content, 0
    encoded = content.encode("utf-8", "surrogatepass")
    if len(encoded) <= LIMIT:
        return content, 0
    end = LIMIT
    while encoded[end] & 0xC0 == 0x80:  # inside a character
        end -= 1
    return encoded[:end].decode("utf-8", "surrogatepass"), len(encoded) - end


@functools.lru_cache(maxsize=64)
def _html_of(content: str, missing: int, format: str) -> str:
    content = shown(content)
    draft = Draft()
    body = DRAWN[format](content, draft)
    if body is None:
        draft = Draft()
        body = text(content, draft)
    # Markdown and JSON have their own ways of writing a character (&#x202e; and \u202e), so what hides is looked for
    # once more in the result. No tag and no attribute holds such a character.
    safe = formulas.filled(visible(allowed.cleaned(body)), draft)
    return f'<div class="prose" dir="auto" hx-disable>{safe}{_cut_note(missing)}</div>'


def _cut_note(missing: int) -> str:
    if not missing:
        return ""
    return f'<p class="prose-note">Cut here. Not shown: {missing:,} of {LIMIT + missing:,} bytes.</p>'
