"""Blind pairwise judgments of two systems: which one people prefer, how surely, and whether the side matters."""

from evaltrack.stats.preference.net import FEWEST_CLUSTERS, clustered_mean, left_pick_rate, net_preference
from evaltrack.stats.preference.raters import FEWEST_RATERS, net_preference_two_way, scope_of
from evaltrack.stats.preference.report import Preference, preference, too_little

__all__ = [
    "FEWEST_CLUSTERS",
    "FEWEST_RATERS",
    "Preference",
    "clustered_mean",
    "left_pick_rate",
    "net_preference",
    "net_preference_two_way",
    "preference",
    "scope_of",
    "too_little",
]
