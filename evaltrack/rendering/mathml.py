"""MathML elements and attributes that a formula may have; everything else of it is dropped."""

import html
import re
from xml.etree.ElementTree import Element

from evaltrack.rendering.hidden import escaped

DEEPEST = 100
ELEMENTS = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup",
    "mover", "munder", "munderover", "mtable", "mtr", "mtd", "mstyle", "mpadded", "menclose",
}  # fmt: skip

# Lengths stay small: a formula must not push the page around or lie over it.
_LENGTH = r"[+-]?(?:[0-9]?(?:\.[0-9]{1,3})?(?:em|ex)|[0-9]{0,2}(?:\.[0-9]{1,3})?(?:px|pt|mu)|0)"
_LENGTHS = re.compile(rf"{_LENGTH}(?: {_LENGTH}){{0,9}}")
_WORDS = re.compile(r"[a-z-]{1,24}(?: [a-z-]{1,24}){0,9}")
_FLAG = re.compile(r"true|false")
# No colour, no size of type, no class, no address: they could hide or disguise what the model wrote.
ATTRIBUTES = {
    "display": re.compile(r"inline|block"),
    "displaystyle": _FLAG,
    "scriptlevel": re.compile(r"[+-]?[0-2]"),
    "mathvariant": _WORDS,
    "stretchy": _FLAG,
    "fence": _FLAG,
    "separator": _FLAG,
    "accent": _FLAG,
    "movablelimits": _FLAG,
    "largeop": _FLAG,
    "form": re.compile(r"prefix|infix|postfix"),
    "linethickness": _LENGTHS,
    "columnalign": _WORDS,
    "columnlines": _WORDS,
    "rowlines": _WORDS,
    "rowspacing": _LENGTHS,
    "columnspacing": _LENGTHS,
    "width": _LENGTHS,
    "height": _LENGTHS,
    "depth": _LENGTHS,
    "lspace": _LENGTHS,
    "rspace": _LENGTHS,
    "voffset": _LENGTHS,
    "minsize": _LENGTHS,
    "maxsize": _LENGTHS,
    "notation": _WORDS,
}

# Operators without a shape (function application, invisible times): they belong to a formula and show nothing.
_SHAPELESS = str.maketrans("", "", "\u2061\u2062\u2063\u2064")


# How many parts an element has; with fewer or more, browsers draw something else than was written.
PARTS = {
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "mover": 2, "munder": 2, "msubsup": 3, "munderover": 3,
}  # fmt: skip

SCRIPTS = {"msub", "msup", "msubsup"}


class Misshapen(Exception):
    """A formula that no browser draws as it was meant: it nests too deep, or a part is missing."""


def written(element: Element, depth: int = 0) -> str:
    """An element as markup. One that is not listed becomes a row, so that nothing it holds is lost.

    Raises Misshapen.
    """
    parts = parts_of(element)
    if depth > DEEPEST or len(parts) != PARTS.get(element.tag, len(parts)):
        raise Misshapen
    name = element.tag if element.tag in ELEMENTS else "mrow"
    attributes = "".join(
        f' {key}="{value}"'
        for key, value in element.attrib.items()
        if key in ATTRIBUTES and ATTRIBUTES[key].fullmatch(value)
    )
    # latex2mathml writes references (&#x0003C;) into its text.
    text = escaped(html.unescape(element.text or "").translate(_SHAPELESS))
    inner = "".join(written(child, depth + 1) for child in parts)
    return f"<{name}{attributes}>{text}{inner}</{name}>"


def parts_of(element: Element) -> list[Element]:
    """The parts; a matrix in its brackets is one, which latex2mathml forgets where it has an exponent or an index."""
    parts = list(element)
    surplus = len(parts) - PARTS.get(element.tag, len(parts))
    if element.tag in SCRIPTS and surplus == 2 and [part.tag for part in parts[:3]] == ["mo", "mtable", "mo"]:
        base = Element("mrow")
        base.extend(parts[:3])
        return [base, *parts[3:]]
    return parts
