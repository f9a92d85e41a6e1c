"""Pure: one value of an example that was asked several times."""

from collections import Counter
from collections.abc import Sequence

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Metric, Value


def folded(values: Sequence[Value], repeats: int, metric: Metric) -> list[Value]:
    """A value for each example of `repeats` neighbouring ones: their mean, or of labels the commonest.

    Of equally common labels the first. What has no value is left out of the mean; where none of the repeats has one,
    the first says why.
    """
    if repeats == 1:
        return list(values)
    several = (values[start : start + repeats] for start in range(0, len(values), repeats))
    return [commonest(each) if metric.figure else mean(each) for each in several]


def mean(values: Sequence[Value]) -> Value:
    known = [value for value in values if not isinstance(value, Undefined)]
    return sum(known) / len(known) if known else values[0]


def commonest(values: Sequence[Value]) -> Value:
    known = [value for value in values if not isinstance(value, Undefined)]
    return Counter(known).most_common(1)[0][0] if known else values[0]
