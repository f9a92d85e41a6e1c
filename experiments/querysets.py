"""Adjectives for rows of experiments."""

import datetime as dt

from django.db import models
from django.db.models import Q

from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission, Role

# Owners see what is theirs; these roles look after everybody's.
SEES_ALL = {Role.ADMIN, Role.PLATFORM, Role.APPROVER, Role.LEAD, Role.AUDITOR}


def owned_or_all(user: User, owner: str) -> Q:
    """Restricts rows to what `user` may see; `owner` is the path from the row to its component's owner."""
    if user.is_machine or user.roles & SEES_ALL:
        return Q()
    if user.can(Permission.VIEW_EXPERIMENTS):
        return Q(**{owner: user})
    return Q(pk__in=[])


class ExperimentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> "ExperimentQuerySet":
        return self.filter(owned_or_all(user, "component__owner"))

    def with_names(self) -> "ExperimentQuerySet":
        """Everything a list shows, in one query."""
        return self.select_related(
            "component__owner", "candidate", "baseline", "dataset_version__dataset", "policy", "submitted_by"
        )

    def in_progress(self) -> "ExperimentQuerySet":
        return self.filter(status__in=["queued", "running", "waiting"])

    def due(self, at: dt.datetime) -> "ExperimentQuerySet":
        """In progress, and not waiting for a later attempt."""
        return self.in_progress().filter(Q(next_attempt_at=None) | Q(next_attempt_at__lte=at))

    def awaiting_people(self) -> "ExperimentQuerySet":
        return self.filter(status="awaiting_people")
