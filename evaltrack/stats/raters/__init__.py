"""Evaluators: how often each is right, and what is worth a look. Scores with their error rates, never a verdict."""

from evaltrack.stats.raters.ability import Ability, abilities
from evaltrack.stats.raters.consensus import WithOthers, agreeing, tables_with_others, with_others
from evaltrack.stats.raters.dawid_skene import Aggregated, dawid_skene
from evaltrack.stats.raters.gold import GoldAccuracy, GoldReport, gold_accuracies
from evaltrack.stats.raters.habits import Drift, drift, overuse, severity, sides
from evaltrack.stats.raters.judgments import Indication
from evaltrack.stats.raters.left_out import alphas_left_out
from evaltrack.stats.raters.monotony import entropies, longest_runs, variety
from evaltrack.stats.raters.origins import Origin, Origins, origins
from evaltrack.stats.raters.position import Leaning, leanings
from evaltrack.stats.raters.session import change_within, missed, sittings
from evaltrack.stats.raters.speed import pace, unread
from evaltrack.stats.raters.spread import central_tendency, repeats

__all__ = [
    "Ability",
    "Aggregated",
    "Drift",
    "GoldAccuracy",
    "GoldReport",
    "Indication",
    "Leaning",
    "Origin",
    "Origins",
    "WithOthers",
    "abilities",
    "agreeing",
    "alphas_left_out",
    "central_tendency",
    "change_within",
    "dawid_skene",
    "drift",
    "entropies",
    "gold_accuracies",
    "leanings",
    "longest_runs",
    "missed",
    "origins",
    "overuse",
    "pace",
    "repeats",
    "severity",
    "sides",
    "sittings",
    "tables_with_others",
    "unread",
    "variety",
    "with_others",
]
