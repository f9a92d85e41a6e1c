"""In what the collecting differed from what the plan took for granted: sentences for whoever reads the verdict."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from experiments.models import WITHOUT_ANSWER, Arm, Outcome, Output


def deviations(outputs: Mapping[Arm, Sequence[Output]]) -> list[str]:
    """A function of the finished outputs alone. The plan says what each example is worth that was not answered."""
    return [sentence for arm, rows in outputs.items() for sentence in of_arm(arm, rows)]


def of_arm(arm: Arm, rows: Sequence[Output]) -> Iterator[str]:
    failed = sum(row.outcome in WITHOUT_ANSWER for row in rows)
    if failed:
        yield f"{failed:,} of {len(rows):,} examples have no answer of the {arm.value}: the call failed."
    named = Counter(
        (row.endpoint_model, row.endpoint_fingerprint) for row in rows if row.outcome == Outcome.ANSWERED
    )
    for field, sort in ((0, "model"), (1, "version")):
        names: Counter[str] = Counter()
        for each, count in named.items():
            names[each[field]] += count
        if len(names) > 1:
            told = ", ".join(f"{name or 'nothing'} ({count:,})" for name, count in sorted(names.items()))
            yield f"The endpoint of the {arm.value} named more than one {sort} of itself: {told} answers."
