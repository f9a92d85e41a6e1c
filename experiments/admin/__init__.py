"""Desks in Django's admin: submitting an experiment by hand, and the approver's."""

from experiments.admin.experiments import ExperimentAdmin
from experiments.admin.promotion import PromotionRequestAdmin

__all__ = ["ExperimentAdmin", "PromotionRequestAdmin"]
