"""Whether those who judge blind can tell what they must not know."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import real_values
from evaltrack.stats.preference import FEWEST_CLUSTERS, clustered_mean

RIGHT, UNKNOWN, WRONG = 1, 0, -1


def blinding_index(
    guesses: Sequence[int], evaluators: Sequence[Hashable], items: Sequence[Hashable]
) -> Estimate | Undefined:
    """Bang's index (right − wrong)/n of guesses, each 1 (right), −1 (wrong) or 0 ("I don't know").

    0 is what chance gives, 1 that everybody knows, −1 that everybody is misled (Bang, Ni & Davis 2004, there for one
    arm of a trial). What one evaluator has noticed shows in all of their guesses, so the interval is cluster-robust
    by evaluator; from fewer than 5 evaluators by item, and its method then says so.

    Undefined without guesses; without an interval from fewer than 5 evaluators and fewer than 5 items.
    """
    vector = real_values(guesses)
    if not set(vector) <= {RIGHT, UNKNOWN, WRONG}:
        raise ValueError("a guess is 1, 0 or -1")
    if len(set(evaluators)) >= FEWEST_CLUSTERS:
        return clustered_mean(vector, evaluators, noun="evaluator", counted="guesses")
    return clustered_mean(vector, items, noun="item", counted="guesses")
