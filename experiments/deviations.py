"""In what the collecting differed from what the plan took for granted: sentences for whoever reads the verdict."""

from collections import Counter
from collections.abc import Iterator, Mapping

from experiments.models import WITHOUT_ANSWER, Arm, Outcome

# How often an arm's outputs ended so, and what the endpoint called itself: outcome, model, fingerprint.
Ends = Counter[tuple[str, str, str]]


def deviations(ended: Mapping[Arm, Ends]) -> list[str]:
    """A function of the finished outputs alone. The plan says what each example is worth that was not answered."""
    return [sentence for arm, counts in ended.items() for sentence in of_arm(arm, counts)]


def of_arm(arm: Arm, counts: Ends) -> Iterator[str]:
    ended: Counter[str] = Counter()
    named: Counter[tuple[str, str]] = Counter()
    for (outcome, model, fingerprint), count in counts.items():
        ended[outcome] += count
        if outcome == Outcome.ANSWERED:
            named[model, fingerprint] += count
    failed = sum(ended[outcome] for outcome in WITHOUT_ANSWER)
    if failed:
        yield f"{failed:,} of {ended.total():,} examples have no answer of the {arm.value}: the call failed."
    for field, sort in ((0, "model"), (1, "version")):
        names: Counter[str] = Counter()
        for each, count in named.items():
            names[each[field]] += count
        if len(names) > 1:
            told = ", ".join(f"{name or 'nothing'} ({count:,})" for name, count in sorted(names.items()))
            yield f"The endpoint of the {arm.value} named more than one {sort} of itself: {told} answers."
