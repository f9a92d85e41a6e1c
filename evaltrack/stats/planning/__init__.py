"""Plans: how many examples a comparison needs, how large a difference it can show, and with what power.

A design holds the assumptions: `PairedShares(0.06)` says that two versions differ on 6 % of the examples. Its
`needed(0.02)` is the `Plan` that shows a difference of two points, `detectable(500)` the smallest difference that
500 examples show, `power(500, 0.02)` the chance that they show two points. The level is two-sided 0.05, that of the
95 % interval, and the power 0.8 unless asked otherwise. Plans take their assumptions as the truth: they are as good
as those.
"""

from evaltrack.stats.planning.design import LEVEL, POWER, Design, Plan
from evaltrack.stats.planning.enumeration import mcnemar_power
from evaltrack.stats.planning.looks import (
    LookPlan,
    PlannedLook,
    StoppingTime,
    look_plan,
    share_stopping_time,
)
from evaltrack.stats.planning.means import OneMean, PairedMeans, TwoMeans, paired_means_from_pilot
from evaltrack.stats.planning.precision import KappaPrecision
from evaltrack.stats.planning.shares import IndependentShares, PairedShares, WinRate
from evaltrack.stats.planning.votes import MoreVotes, Votes, VoteVariance, more_votes, vote_variance

__all__ = [
    "LEVEL",
    "POWER",
    "Design",
    "IndependentShares",
    "KappaPrecision",
    "LookPlan",
    "MoreVotes",
    "OneMean",
    "PairedMeans",
    "PairedShares",
    "Plan",
    "PlannedLook",
    "StoppingTime",
    "TwoMeans",
    "VoteVariance",
    "Votes",
    "WinRate",
    "look_plan",
    "mcnemar_power",
    "more_votes",
    "paired_means_from_pilot",
    "share_stopping_time",
    "vote_variance",
]
