"""Markdown: CommonMark with tables and strikethrough; raw HTML in it is text."""

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from evaltrack.rendering import formula_marks, highlighting, links
from evaltrack.rendering.draft import MOST_MARKS, Draft, Formula
from evaltrack.rendering.hidden import escaped


def drawn(content: str, draft: Draft) -> str:
    """Markup that is not sanitised yet, with a numbered place for each formula."""
    if not draft.takes_markdown(content):
        note = f"Shown as it was written: it has more than {MOST_MARKS:,} formatting marks."
        return f'<p class="prose-note">{note}</p><div class="prose-text">{escaped(content)}</div>'
    return str(_PARSER.render(content, {"draft": draft}))


def _fence(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    words = token.info.split()
    return highlighting.block(token.content, words[0].lower() if words else "", env["draft"])


def _formula(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    token = tokens[at]
    number = env["draft"].keep(
        Formula(latex=token.content, source=token.meta["source"], display=token.meta["display"])
    )
    return f'<span class="formula">{number}</span>'


def _table_open(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    # It scrolls sideways, so the keyboard must reach it.
    return '<div class="prose-table" tabindex="0" role="group" aria-label="Table"><table>'


def _table_close(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return "</table></div>"


def _link_host(self: RendererHTML, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return f'<span class="prose-host">{escape(tokens[at].content)}</span>'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "linkify": False, "maxNesting": 50})
    parser.enable(["table", "strikethrough"])
    parser.inline.ruler.before("escape", "formula", formula_marks.in_a_line)
    parser.block.ruler.before(
        "fence",
        "formula_block",
        formula_marks.as_a_block,
        {"alt": ["paragraph", "reference", "blockquote", "list"]},
    )
    parser.core.ruler.push("tame", links.tame)
    for name, rule in {
        "fence": _fence,
        "code_block": _fence,
        "formula": _formula,
        "table_open": _table_open,
        "table_close": _table_close,
        "link_host": _link_host,
    }.items():
        parser.add_render_rule(name, rule)
    # An address between angle brackets would be drawn with its punycode decoded: a look-alike of another host.
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


_PARSER = _parser()
