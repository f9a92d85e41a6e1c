"""A judge that is no person (a model, a rule) beside human labels: what its many labels are worth."""

from evaltrack.stats.judge.corrected import corrected_share
from evaltrack.stats.judge.rectified import Rectified, rectified_mean

__all__ = ["Rectified", "corrected_share", "rectified_mean"]
