"""Passages that a retriever found: numbered as answers cite them, [1], and without live links."""

from typing import Any

from evaltrack.rendering import tree
from evaltrack.rendering.draft import Draft
from evaltrack.rendering.hidden import escaped

MOST_PASSAGES = 500


def drawn(content: str, draft: Draft) -> str | None:
    """A numbered list. Addresses of sources are text: nobody should leave the page from here."""
    try:
        value = tree.parsed(content)
    except ValueError:
        return None
    if not isinstance(value, list) or isinstance(value, tree.Pairs) or not value:
        return None
    passages = [_fields(each) for each in value]
    if any(each is None for each in passages):
        return None
    items = "".join(_passage(at, each) for at, each in enumerate(passages[:MOST_PASSAGES], 1) if each)
    more = len(passages) - MOST_PASSAGES
    note = f'<p class="prose-note">{more:,} more passages are not shown.</p>' if more > 0 else ""
    return f'<ol class="passages">{items}</ol>{note}'


def _fields(value: Any) -> dict[str, str] | None:
    """Text, and id, title and source where they are given; None for what is no passage."""
    if isinstance(value, tree.Pairs):
        fields = dict(value)
        if not tree.is_text(fields.get("text")):
            return None
        return {
            name: fields[name]
            for name in ("id", "title", "source", "text")
            if isinstance(fields.get(name), str)
        }
    return {"text": value} if tree.is_text(value) else None


def _passage(number: int, fields: dict[str, str]) -> str:
    about = " · ".join(escaped(fields[name]) for name in ("id", "title") if fields.get(name))
    source = fields.get("source")
    return (
        f'<li class="passage"><p class="passage-head"><span class="passage-number">[{number}]</span> {about}'
        + (f' <span class="passage-source">{escaped(source)}</span>' if source else "")
        + f'</p><div class="passage-text">{escaped(fields["text"])}</div></li>'
    )
