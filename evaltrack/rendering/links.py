"""Links, pictures, headings and tables of a parsed markdown text, made fit for the page of somebody else."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from evaltrack.rendering.allowed import ADDRESS

# The page has its own h1 and h2.
ABOVE, LOWEST = 2, 6
# A host after normalising (punycode), an address of IPv6, or an address of mail.
HOST = re.compile(r"[a-zA-Z0-9.:_@+-]+")
# Emphasis in emphasis is not counted by the parser's own limit, and browsers stop nesting at 512 elements.
EMPHASIS = {f"{name}_{end}" for name in ("em", "strong", "s") for end in ("open", "close")}
MOST_EMPHASIS = 50
ALIGNMENTS = {"text-align:center": "align-center", "text-align:right": "align-right"}


def tame(state: StateCore) -> None:
    """A core rule of markdown-it, after all others."""
    # The headings that the place is under: who reads by headings must not miss a level, whichever the author chose.
    under: list[str] = []
    for token in state.tokens:
        if token.type == "heading_open":
            under = [*(tag for tag in under if tag < token.tag), token.tag]
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(ABOVE + len(under), LOWEST)}"
        elif token.type in {"th_open", "td_open"}:
            # An inline style, which the page's content policy forbids.
            alignment = ALIGNMENTS.get(str(token.attrs.pop("style", "")))
            if alignment:
                token.attrSet("class", alignment)
        elif token.type == "inline":
            token.children = list(_tamed(token.children or []))


def _tamed(tokens: list[Token]) -> Iterator[Token]:
    # CommonMark has no links in links, so one place is enough to remember where the open link leads.
    host: str | None = None
    nested = 0
    for token in tokens:
        if token.type in EMPHASIS:
            nested += token.nesting
            if nested + (token.nesting < 0) <= MOST_EMPHASIS:
                yield token
        elif token.type == "image":
            yield _text(f"[image: {token.content or 'no description'}, not loaded]")
        elif token.type == "link_open":
            address = str(token.attrGet("href") or "")
            host = _destination(address)
            if host is not None:
                token.attrs = {"href": address}
                yield token
        elif token.type == "link_close":
            if host is not None:
                yield token
                yield _text(f" ({host})", "link_host")
            host = None
        else:
            yield token


def _text(content: str, kind: str = "text") -> Token:
    return Token(kind, "", 0, content=content)


def _destination(address: str) -> str | None:
    """The host that a reader should see, or None for an address that must not become a link."""
    if not ADDRESS.fullmatch(address):
        return None
    try:
        parts = urlsplit(address)
        host = parts.path if parts.scheme == "mailto" else parts.hostname or ""
    except ValueError:
        return None
    return host if HOST.fullmatch(host) else None
