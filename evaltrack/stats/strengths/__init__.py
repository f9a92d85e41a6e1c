"""How strong each of several systems is, from blind votes between pairs of them, with ties and the shown order."""

from evaltrack.stats.strengths.davidson import Strengths, strengths
from evaltrack.stats.strengths.pairing import NextPair, next_pair, pair_chances
from evaltrack.stats.strengths.ranks import Ranks, rank_sets
from evaltrack.stats.strengths.raokupper import Thresholds, TieModels, rao_kupper, tie_models
from evaltrack.stats.strengths.votes import LEFT, RIGHT, TIE

__all__ = [
    "LEFT",
    "RIGHT",
    "TIE",
    "NextPair",
    "Ranks",
    "Strengths",
    "Thresholds",
    "TieModels",
    "next_pair",
    "pair_chances",
    "rank_sets",
    "rao_kupper",
    "strengths",
    "tie_models",
]
