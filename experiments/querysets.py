"""Adjectives for rows of experiments."""

import datetime as dt

from django.db import models
from django.db.models import Exists, OuterRef, Q, Subquery

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


class ComponentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> "ComponentQuerySet":
        return self.filter(owned_or_all(user, "owner"))

    def searched(self, search: str) -> "ComponentQuerySet":
        return (
            self.filter(Q(name__icontains=search) | Q(owner__username__icontains=search)) if search else self
        )


class ExperimentQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> "ExperimentQuerySet":
        return self.filter(owned_or_all(user, "component__owner"))

    def with_names(self) -> "ExperimentQuerySet":
        """Everything a list shows, in one query."""
        return self.select_related(
            "component__owner",
            "candidate",
            "baseline",
            "dataset_version__dataset",
            "policy",
            "submitted_by",
            "extends",
        ).prefetch_related("verdicts")

    def searched(
        self, *, search: str = "", status: str = "", component: str = "", outcome: str = ""
    ) -> "ExperimentQuerySet":
        """Rows that match what somebody typed and chose; what is left empty matches everything."""
        rows = self
        if search:
            rows = rows.filter(
                Q(public_id__icontains=search)
                | Q(component__name__icontains=search)
                | Q(hypothesis__icontains=search)
                | Q(candidate__version__icontains=search)
            )
        if status:
            rows = rows.filter(status=status)
        if outcome:
            of_each = self.model._default_manager.filter(pk=OuterRef("pk")).order_by("-verdicts__number")
            rows = rows.alias(newest=Subquery(of_each.values("verdicts__outcome")[:1]))  # type: ignore[assignment]
            rows = rows.filter(newest=outcome)
        return rows.filter(component__name=component) if component else rows

    def in_progress(self) -> "ExperimentQuerySet":
        return self.filter(status__in=["queued", "running", "waiting"])

    def due(self, at: dt.datetime) -> "ExperimentQuerySet":
        """In progress, not paused, and not waiting for a later attempt."""
        waits = Q(next_attempt_at=None) | Q(next_attempt_at__lte=at)
        return self.in_progress().filter(waits, paused_at=None)

    def standing(self) -> "ExperimentQuerySet":
        """Not ended without a verdict."""
        return self.exclude(status__in=["cancelled", "undecided"])

    def scored(self) -> "ExperimentQuerySet":
        """With a verdict, though people may still have to judge, or it was cancelled while they did."""
        return self.filter(verdicts__number=1)

    def looking(self) -> "ExperimentQuerySet":
        """Scored or about to be: what was cancelled before has seen nothing of its dataset."""
        found = self.model._default_manager.filter(pk=OuterRef("pk"), verdicts__number=1)
        return self.filter(~Q(status="cancelled") | Exists(found))

    def awaiting_people(self) -> "ExperimentQuerySet":
        return self.filter(status="awaiting_people")

    def without_judges(self) -> "ExperimentQuerySet":
        """Awaiting people, while nobody judges the answers that it keeps from an earlier look either."""
        return self.awaiting_people().exclude(extends__status="awaiting_people")


class PromotionQuerySet(models.QuerySet):
    def visible_to(self, user: User) -> "PromotionQuerySet":
        return self.filter(owned_or_all(user, "component__owner"))

    def with_names(self) -> "PromotionQuerySet":
        return self.select_related(
            "component__owner",
            "version__component",
            "experiment__baseline",
            "experiment__policy",
            "experiment__plan",
            "experiment__dataset_version__dataset",
            "requested_by",
            "closed_by",
        )


class RunQuerySet(models.QuerySet):
    def of_arms(self) -> "RunQuerySet":
        """Whose outputs are answers to examples."""
        return self.filter(judges=None)

    def judging(self) -> "RunQuerySet":
        """Whose outputs are what a judge says of an arm's."""
        return self.filter(judges__isnull=False)

    def asked(self) -> "RunQuerySet":
        """Whose outputs our workers ask for one by one."""
        return self.filter(endpoint__isnull=False, in_batches=False)

    def unfinished(self) -> "RunQuerySet":
        """With outputs that are not there yet. Whoever has all of them needs no share of its endpoint."""
        with_open = self.model._default_manager.filter(outputs__state__in=["open", "leased"])
        return self.filter(pk__in=with_open.values("pk"))

    def awaited(self) -> "RunQuerySet":
        """Whose outputs somebody has yet to bring, or to say that they are all there."""
        return self.filter(endpoint=None, brought_at=None)


class OutputQuerySet(models.QuerySet):
    def of_arms(self) -> "OutputQuerySet":
        return self.filter(run__judges=None)

    def of_judges(self) -> "OutputQuerySet":
        return self.filter(run__judges__isnull=False)

    def in_order(self) -> "OutputQuerySet":
        """All outputs of a run: by position, and the repeats of one example beside each other."""
        return self.order_by("position", "repeat")

    def one_each(self) -> "OutputQuerySet":
        """One output of each example, in the order in which metrics keep their values."""
        return self.filter(repeat=0).order_by("position")

    def asked_for(self) -> "OutputQuerySet":
        """Those that our workers ask for, rather than somebody brings."""
        return self.filter(run__endpoint__isnull=False)

    def one_by_one(self) -> "OutputQuerySet":
        """Those that are asked for by a call each."""
        return self.filter(run__endpoint__isnull=False, run__in_batches=False)

    def are_done(self) -> bool:
        """Whether every one is. Asked of a large run many times: its done ones must not be read for that.

        Of what is open and of what is leased there are indexes; one statement, since a lease may end meanwhile.
        """
        left = (
            self.filter(state="open").values("pk").union(self.filter(state="leased").values("pk"), all=True)
        )
        return not left[:1]
