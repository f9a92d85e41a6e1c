"""Pure: OpenMetrics 1.0 text.

https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# What scrapers read that do not ask for OpenMetrics; of gauges the text is the same.
PLAIN_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
END = "# EOF\n"

# Names and values in their order, without those that are empty.
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Gauge:
    """A family: what it is, and its values now. No two of them have the same labels."""

    name: str
    help: str
    samples: Iterable[tuple[Labels, float]]


def head(name: str, help_text: str) -> str:
    return f"# HELP {name} {help_text}\n# TYPE {name} gauge\n"


def line(name: str, labels: Labels, number: float) -> str:
    """A sample without its end: a time may follow."""
    written = ",".join(f'{label}="{value.translate(ESCAPES)}"' for label, value in labels)
    return f"{name}{{{written}}} {number!r}"


def text(gauges: Iterable[Gauge]) -> Iterator[str]:
    """Values without a time: they are of now."""
    for gauge in gauges:
        yield head(gauge.name, gauge.help)
        for labels, number in gauge.samples:
            yield f"{line(gauge.name, labels, number)}\n"
    yield END
