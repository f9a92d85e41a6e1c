"""Evaluators: how often each is right, and what is worth a look. Scores with their error rates, never a verdict."""

from evaltrack.stats.raters.consensus import WithOthers, with_others
from evaltrack.stats.raters.dawid_skene import Aggregated, dawid_skene
from evaltrack.stats.raters.gold import GoldAccuracy, GoldReport, gold_accuracies
from evaltrack.stats.raters.habits import Drift, drift, overuse, severity, sides
from evaltrack.stats.raters.judgments import Indication
from evaltrack.stats.raters.monotony import longest_runs, variety
from evaltrack.stats.raters.position import Leaning, leanings
from evaltrack.stats.raters.speed import pace, unread
from evaltrack.stats.raters.spread import central_tendency, repeats

__all__ = [
    "Aggregated",
    "Drift",
    "GoldAccuracy",
    "GoldReport",
    "Indication",
    "Leaning",
    "WithOthers",
    "central_tendency",
    "dawid_skene",
    "drift",
    "gold_accuracies",
    "leanings",
    "longest_runs",
    "overuse",
    "pace",
    "repeats",
    "severity",
    "sides",
    "unread",
    "variety",
    "with_others",
]
