"""Repeated looks: intervals that hold at any time, bounds for planned looks, and when to stop."""

from evaltrack.stats.sequential.asymptotic import (
    linear_any_time,
    linear_p_any_time,
    mean_any_time,
    mean_difference_any_time,
)
from evaltrack.stats.sequential.rules import Stopping, stopping
from evaltrack.stats.sequential.scores import bounded_mean_any_time
from evaltrack.stats.sequential.shares import (
    share_any_time,
    share_difference_any_time,
    share_p_any_time,
)
from evaltrack.stats.sequential.spending import (
    Look,
    alpha_spent,
    crossing_chances,
    looks,
    obrien_fleming_constant,
    overall_error,
    pocock_constant,
    repeated_p,
)

__all__ = [
    "Look",
    "Stopping",
    "alpha_spent",
    "bounded_mean_any_time",
    "crossing_chances",
    "linear_any_time",
    "linear_p_any_time",
    "looks",
    "mean_any_time",
    "mean_difference_any_time",
    "obrien_fleming_constant",
    "overall_error",
    "pocock_constant",
    "repeated_p",
    "share_any_time",
    "share_difference_any_time",
    "share_p_any_time",
    "stopping",
]
