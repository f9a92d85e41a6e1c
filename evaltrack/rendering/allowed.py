"""The sanitiser: what may stand in the result, whoever wrote it. The formats' own markup passes through it too."""

import re

import nh3

TAGS = {
    "p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "blockquote", "ul", "ol", "li", "a",
    "pre", "code", "table", "thead", "tbody", "tr", "th", "td", "div", "span", "details", "summary",
}  # fmt: skip
OWN_CLASSES = frozenset(
    {
        "prose-text", "prose-note", "prose-table", "prose-image", "prose-host", "align-center", "align-right",
        "code", "code-line", "code-numbered", "formula",
        "json", "json-key", "json-kind", "json-value",
        "chat", "chat-message", "chat-role", "chat-call", "chat-part",
        "passages", "passage", "passage-head", "passage-number", "passage-source", "passage-text",
    }
)  # fmt: skip
FREE_CLASS = re.compile(r"tok-[a-z0-9]{1,4}|language-[a-z0-9+#-]{1,30}")
# Relative addresses would be live links into evaltrack itself.
ADDRESS = re.compile(r"(?:https?://|mailto:)[^\s<>\"'`\\]+", re.IGNORECASE)
REL = "noopener noreferrer nofollow ugc"


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "class":
        kept = [each for each in value.split() if each in OWN_CLASSES or FREE_CLASS.fullmatch(each)]
        return " ".join(kept) or None
    if name == "href":
        return value if ADDRESS.fullmatch(value) else None
    if name == "start":
        return value if re.fullmatch(r"[0-9]{1,9}", value) else None
    return value


_CLEANER = nh3.Cleaner(
    tags=TAGS,
    clean_content_tags={"script", "style", "template", "noscript", "svg", "math", "iframe", "object"},
    attributes={"*": {"class"}, "a": {"href"}, "ol": {"start"}},
    # Constants that the formats write, and no other value.
    tag_attribute_values={
        "details": {"open": {""}},
        "div": {"tabindex": {"0"}, "role": {"group"}, "aria-label": {"Table"}},
    },
    attribute_filter=_attribute,
    url_schemes={"http", "https", "mailto"},
    url_relative="deny",
    link_rel=REL,
    strip_comments=True,
)


def cleaned(markup: str) -> str:
    return _CLEANER.clean(markup)
