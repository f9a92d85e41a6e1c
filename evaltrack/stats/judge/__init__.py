"""A judge that is no person (a model, a rule) beside human labels: how it errs, and what its labels are worth."""

from evaltrack.stats.judge.bias import StratumBias, bias_by_stratum, favour, judge_bias
from evaltrack.stats.judge.calibration import (
    BesidePeople,
    Rates,
    Swaps,
    beside_people,
    error_rates,
    position_swaps,
)
from evaltrack.stats.judge.corrected import corrected_share
from evaltrack.stats.judge.eligibility import Eligibility, proxy_eligibility
from evaltrack.stats.judge.rectified import Rectified, rectified_mean
from evaltrack.stats.judge.strata import RectifiedStrata, Stratum, rectified_strata

__all__ = [
    "BesidePeople",
    "Eligibility",
    "Rates",
    "Rectified",
    "RectifiedStrata",
    "Stratum",
    "StratumBias",
    "Swaps",
    "beside_people",
    "bias_by_stratum",
    "corrected_share",
    "error_rates",
    "favour",
    "judge_bias",
    "position_swaps",
    "proxy_eligibility",
    "rectified_mean",
    "rectified_strata",
]
