"""A text drawn so that each of its characters can be pointed at: what browsers change stands in elements."""

import html
import re

from evaltrack.rendering.hidden import invisible

# Everything else is drawn as it is, one character for one code point.
_CANDIDATE = re.compile(r"\r\n?|[^\x20-\x7e\n\t]|[&<>\"']")


def exact_html(text: str) -> str:
    """Markup in which an element with data-point stands for one code point of the text, whatever it shows.

    Browsers read \\r\\n and \\r as \\n, and nobody sees a character that hides. Every other code point is a
    character of the markup's text. In a <pre> a line break has to stand before it, as browsers drop the first one.
    """
    return _CANDIDATE.sub(lambda found: _drawn(found[0]), text)


def _drawn(part: str) -> str:
    if part == "\r\n":
        return "<i data-point></i>\n"
    if part == "\r":
        return "<i data-point>\n</i>"
    if invisible(part):
        return f"<i data-point>⟦U+{ord(part):04X}⟧</i>"
    return html.escape(part)
