"""Pure: the time series as OpenMetrics 1.0 text, with the time of each point."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from evaltrack import openmetrics
from evaltrack.openmetrics import CONTENT_TYPE, Labels

__all__ = ["CONTENT_TYPE", "FAMILIES", "Sample", "exposition"]


class Sample(NamedTuple):
    """One point: its labels in their order, without those that are empty, and what was measured."""

    labels: Labels
    at: dt.datetime
    value: float
    low: float | None
    high: float | None
    n: int


# The name of each family, what it is, and what it takes of a sample.
FAMILIES: list[tuple[str, str, Callable[[Sample], float | None]]] = [
    ("evaltrack_metric", "What was measured.", lambda sample: sample.value),
    ("evaltrack_metric_low", "Lower limit of its interval.", lambda sample: sample.low),
    ("evaltrack_metric_high", "Upper limit of its interval.", lambda sample: sample.high),
    ("evaltrack_metric_observations", "How many observations it rests on.", lambda sample: sample.n),
]


def exposition(samples: Callable[[], Iterable[Sample]]) -> Iterator[str]:
    """The text, a line at a time. `samples` is called for each family, as the lines of one must stand together.

    Those of the same labels must follow each other in order of time. Of several within a millisecond, which is as
    fine as Prometheus keeps time, the first is written.
    """
    for name, help_text, take in FAMILIES:
        yield openmetrics.head(name, help_text)
        last: tuple[object, int] | None = None
        for sample in samples():
            number = take(sample)
            here = (sample.labels, milliseconds(sample.at))
            if number is None or here == last:
                continue
            last = here
            yield f"{openmetrics.line(name, sample.labels, number)} {here[1] / 1000:.3f}\n"
    yield openmetrics.END


def milliseconds(at: dt.datetime) -> int:
    return int(at.timestamp() * 1000)
