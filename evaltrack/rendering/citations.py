"""Citations: [1] in what `html_of` has written becomes a link to the passage of that number on the same page.

A text can't forge one: its own links need a host, and what is added here holds nothing but numbers of ours.
"""

import re
from dataclasses import dataclass

# The sanitiser leaves no attribute with an angle bracket in it, and escapes those of the text.
TAG = re.compile(r"(<[^>]*>)")
NAME = re.compile(r"</?([a-z0-9]+)")
# [1], and [1, 2]
CITATION = re.compile(r"\[([0-9]{1,3}(?:, ?[0-9]{1,3})*)\]")
NUMBER = re.compile(r"[0-9]+")
# Where brackets are no citation, and where a link would stand within another control.
APART = {"a", "pre", "code", "math", "summary"}


@dataclass(frozen=True)
class Anchors:
    """The passages 1 to `count` have the ids `passages`-1 and so on; citations get `citations`-1 and so on."""

    count: int
    passages: str
    citations: str


def linked(markup: str, anchors: Anchors) -> str:
    if not anchors.count:
        return markup
    links = Links(anchors)
    apart = 0
    parts = TAG.split(markup)
    for at, part in enumerate(parts):
        if at % 2:
            name = NAME.match(part)
            if name and name[1] in APART:
                apart += -1 if part.startswith("</") else 1
        elif not apart:
            parts[at] = CITATION.sub(links.of, part)
    return "".join(parts)


class Links:
    def __init__(self, anchors: Anchors) -> None:
        self.anchors, self.made = anchors, 0

    def of(self, found: re.Match[str]) -> str:
        """The brackets with their numbers; a number that no passage has stays as it is."""
        if found[1].isdecimal():
            return self.link(found[0], int(found[1]))
        return f"[{NUMBER.sub(lambda number: self.link(number[0], int(number[0])), found[1])}]"

    def link(self, text: str, number: int) -> str:
        if not 1 <= number <= self.anchors.count:
            return text
        self.made += 1
        return (
            f'<a class="citation" id="{self.anchors.citations}-{self.made}"'
            f' href="#{self.anchors.passages}-{number}" aria-label="Context {number}">{text}</a>'
        )
