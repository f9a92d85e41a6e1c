"""Pure: coefficients that take a bootstrap, remembered by the panel that they are of.

Of a campaign in thirty strata nearly all are at each look what they were at the last one. A panel is counts and
nothing else, so what is remembered of it is never out of date.
"""

from functools import lru_cache
from typing import TypeAlias

from evaltrack.stats.agreement import PreferenceAgreement
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kinds import Kind
from evaltrack.stats.panel import Panel

# So many panels of a process, and none that is large itself.
MOST_PANELS, MOST_KINDS = 500, 200
Kinds: TypeAlias = frozenset[tuple[Kind, int]]


def alpha(panel: Panel, *, seed: int) -> Estimate | Undefined:
    """Krippendorff's, nominal."""
    if len(panel.kinds) > MOST_KINDS:
        return panel.alpha("nominal", seed=seed)
    return _alpha(panel.k, frozenset(panel.kinds.items()), seed)


def preference(panel: Panel, *, seed: int) -> PreferenceAgreement:
    if len(panel.kinds) > MOST_KINDS:
        return panel.preference(seed=seed)
    return _preference(panel.k, frozenset(panel.kinds.items()), seed)


@lru_cache(MOST_PANELS)
def _alpha(k: int, kinds: Kinds, seed: int) -> Estimate | Undefined:
    return Panel(k, dict(kinds)).alpha("nominal", seed=seed)


@lru_cache(MOST_PANELS)
def _preference(k: int, kinds: Kinds, seed: int) -> PreferenceAgreement:
    return Panel(k, dict(kinds)).preference(seed=seed)
