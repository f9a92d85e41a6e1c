"""Reads rendered HTML as a browser would, with a list of its own of what may stand there."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

import nh3

VOID = {"br", "hr"}
MATHML = {
    "math",
    "mrow",
    "mi",
    "mn",
    "mo",
    "mtext",
    "mspace",
    "mfrac",
    "msqrt",
    "mroot",
    "msub",
    "msup",
    "msubsup",
    "mover",
    "munder",
    "munderover",
    "mtable",
    "mtr",
    "mtd",
    "mstyle",
    "mpadded",
    "menclose",
}
HTML = {
    "div",
    "span",
    "p",
    "br",
    "hr",
    "h3",
    "h4",
    "h5",
    "h6",
    "strong",
    "em",
    "s",
    "blockquote",
    "ul",
    "ol",
    "li",
    "a",
    "pre",
    "code",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "details",
    "summary",
}
ATTRIBUTES = {
    "class": r"[a-z0-9+# -]+",
    "href": r"(?i:https?://|mailto:)[^\s<>\"'`\\]+",
    "rel": r"noopener noreferrer nofollow ugc",
    "start": r"[0-9]+",
    "open": r"",
    "tabindex": r"0",
    "role": r"group",
    "aria-label": r"Table|Formula",
    "dir": r"auto",
    "hx-disable": r"",
}
ALLOWED_ON = {
    "a": {"href", "rel"},
    "ol": {"class", "start"},
    "details": {"class", "open"},
    "div": {"class", "tabindex", "role", "aria-label", "dir", "hx-disable"},
    "span": {"class", "tabindex", "role", "aria-label"},
}
MATHML_VALUE = r"[a-z0-9 .+-]{0,60}"
MATHML_NEVER = {
    "href",
    "style",
    "class",
    "id",
    "src",
    "mathcolor",
    "mathbackground",
    "mathsize",
    "xlink:href",
}


@dataclass
class Page(HTMLParser):
    """Events, text and faults of a piece of HTML."""

    events: list = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    text: str = ""
    depth: int = 0
    deepest: int = 0
    open: list[str] = field(default_factory=list)

    def __post_init__(self):
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag, attrs):
        self.events.append(("start", tag, tuple(sorted((name, value or "") for name, value in attrs))))
        self._check(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)
            self.deepest = max(self.deepest, len(self.open))

    def _check(self, tag, attrs):
        if tag not in HTML | MATHML:
            self.faults.append(f"element {tag}")
        for name, value in attrs:
            if tag in MATHML:
                if (
                    name in MATHML_NEVER
                    or name.startswith("on")
                    or not re.fullmatch(MATHML_VALUE, value or "")
                ):
                    self.faults.append(f"{name}={value!r} on {tag}")
            elif name not in ALLOWED_ON.get(tag, {"class"}) or not re.fullmatch(
                ATTRIBUTES[name], value or ""
            ):
                self.faults.append(f"{name}={value!r} on {tag}")

    def handle_endtag(self, tag):
        self.events.append(("end", tag))
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.text += data
        if self.events and self.events[-1][0] == "text":
            self.events[-1] = ("text", self.events[-1][1] + data)
        else:
            self.events.append(("text", data))

    def handle_comment(self, data):
        self.faults.append(f"comment {data!r}")

    def handle_decl(self, decl):
        self.faults.append(f"declaration {decl!r}")

    def unknown_decl(self, data):
        self.faults.append(f"declaration {data!r}")

    def handle_pi(self, data):
        self.faults.append(f"instruction {data!r}")


def read(markup: str) -> Page:
    page = Page()
    page.feed(markup)
    page.close()
    if page.open:
        page.faults.append(f"left open: {page.open}")
    return page


def as_html5(markup: str) -> str:
    """The same through an HTML5 parser and back, keeping every element and attribute that we know."""
    names = set(ATTRIBUTES) - {"rel"}
    mathml = {
        "display",
        "displaystyle",
        "scriptlevel",
        "mathvariant",
        "stretchy",
        "fence",
        "separator",
        "accent",
        "movablelimits",
        "largeop",
        "form",
        "linethickness",
        "columnalign",
        "columnlines",
        "rowlines",
        "rowspacing",
        "columnspacing",
        "width",
        "height",
        "depth",
        "lspace",
        "rspace",
        "voffset",
        "minsize",
        "maxsize",
        "notation",
    }
    return nh3.clean(
        markup,
        tags=HTML | MATHML,
        clean_content_tags=set(),
        attributes={"*": names | mathml, "a": {"rel"}},
        link_rel=None,
    )


def assert_safe(markup: str) -> Page:
    """The page that the markup makes; it fails where something stands in it that must not."""
    page = read(markup)
    assert not page.faults, page.faults[:3]
    assert markup.startswith('<div class="prose" dir="auto" hx-disable>')
    # A second parser that understands something else is how sanitised markup comes to life again.
    assert read(as_html5(markup)).events == page.events
    return page
