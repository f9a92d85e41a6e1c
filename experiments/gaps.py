"""Pure: for which examples a metric has no value, and why, as few numbers.

The values of a metric are a vector with NaN in the gaps. Beside it stand the reasons, each with the ranges of places
in the vector that it is about: `{"the example has no reference answer": [[0, 3], [7, 7]]}`, first and last included.
"""

from collections.abc import Mapping, Sequence

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Value

Gaps = Mapping[str, Sequence[Sequence[int]]]


def numbers(values: Sequence[Value]) -> list[float | None]:
    """The values without their reasons."""
    return [None if isinstance(value, Undefined) else value for value in values]


def of(values: Sequence[Value]) -> dict[str, list[list[int]]]:
    """By reason, in the order in which they occur first."""
    found: dict[str, list[list[int]]] = {}
    for place, value in enumerate(values):
        if not isinstance(value, Undefined):
            continue
        ranges = found.setdefault(value.reason, [])
        if ranges and ranges[-1][1] == place - 1:
            ranges[-1][1] = place
        else:
            ranges.append([place, place])
    return found


def reason_at(gaps: Gaps | None, place: int) -> str:
    """Why there is no value at a place; empty where there is one, or where no reason was kept."""
    for reason, ranges in (gaps or {}).items():
        if any(first <= place <= last for first, last in ranges):
            return reason
    return ""


def counts(gaps: Gaps | None) -> dict[str, int]:
    """How many examples each reason is about, the commonest first."""
    found = {
        reason: sum(last - first + 1 for first, last in ranges) for reason, ranges in (gaps or {}).items()
    }
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def in_words(gaps: Gaps | None, n: int) -> str:
    """ "undefined for 12 of 250 examples: the example has no reference answer (10); … (2)"; empty without gaps."""
    found = counts(gaps)
    if not found:
        return ""
    reasons = "; ".join(f"{reason} ({count:,})" for reason, count in found.items())
    only = next(iter(found)) if len(found) == 1 else reasons
    return f"undefined for {sum(found.values()):,} of {n:,} examples: {only}"
