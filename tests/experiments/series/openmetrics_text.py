"""A strict reader of OpenMetrics 1.0 text: gauges, with a time, as the series has them, or without, as a scrape."""

import re
from dataclasses import dataclass

LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"')
LINE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{(.*)\} (\S+)(?: (\d+\.\d{3}))?")
NUMBER = re.compile(r"[-+]?(\d+(\.\d+)?|\.\d+)([eE][-+]?\d+)?")
UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


@dataclass(frozen=True)
class Line:
    family: str
    labels: dict[str, str]
    value: float
    at: float | None


def read(text: str) -> list[Line]:
    """Raises AssertionError where the text is not as the specification wants it."""
    assert text.endswith("# EOF\n")
    lines = text[: -len("# EOF\n")].split("\n")
    assert lines.pop() == ""
    found: list[Line] = []
    families: dict[str, str] = {}
    finished: set = set()
    last: dict = {}
    before = None
    for line in lines:
        assert line, "an empty line"
        if line.startswith("#"):
            word, name, rest = line.removeprefix("# ").split(" ", 2)
            assert word in {"HELP", "TYPE"}
            if word == "TYPE":
                assert name not in families
                families[name] = rest
                assert rest == "gauge"
            current = name
            continue
        match = LINE.fullmatch(line)
        assert match, line
        family, inner, number, moment = match.groups()
        assert family == current
        assert family in families
        assert NUMBER.fullmatch(number), number
        labels = labels_in(inner)
        key = (family, tuple(sorted(labels.items())))
        at = None if moment is None else float(moment)
        if key != before:
            # The points of a metric stand together.
            assert key not in finished, f"again {key}"
            finished.add(key)
            before = key
        else:
            assert at is not None, f"twice: {line}"
            assert at > last[key], f"back in time: {line}"
        last[key] = at
        found.append(Line(family, labels, float(number), at))
    return found


def labels_in(inner: str) -> dict[str, str]:
    found, place = {}, 0
    while place < len(inner):
        match = LABEL.match(inner, place)
        assert match, inner[place:]
        name, value = match.groups()
        assert name not in found
        found[name] = re.sub(r"\\.", lambda escape: UNESCAPED[escape[0]], value)
        place = match.end()
        if place < len(inner):
            assert inner[place] == ","
            place += 1
            assert place < len(inner), "a comma at the end"
    return found
