"""`manage.py recompute_series`: is the time series what the records give? Exit code 1 if a point differs."""

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaltrack import clock
from experiments.models import Component, MetricPoint, MetricResult, ProductionWindow
from experiments.series.checking import Check


class Command(BaseCommand):
    help = "Make every point of the time series anew from its records, and compare with what is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("components", nargs="*", metavar="COMPONENT", help="its name; all without any")
        parser.add_argument("--write", action="store_true", help="add the points that are missing")

    def handle(self, *args: Any, components: list[str], write: bool, **options: Any) -> None:
        chosen = list(Component.objects.filter(name__in=components).order_by("pk")) if components else None
        if missing := set(components) - {row.name for row in chosen or ()}:
            raise CommandError(f"There is no component {', '.join(sorted(missing))}.")
        check = Check(at=clock.now(), write=write, told=Progress(self.stderr, about(chosen)))
        for sentence in check.walk(chosen):
            self.stdout.write(sentence)
        self.stdout.write(in_words(check))
        if not check.ok:
            sys.exit(1)


def about(components: list[Component] | None) -> int:
    """How many points there will be to look at, near enough."""
    stored, results, days = (
        MetricPoint.objects.all(),
        MetricResult.objects.all(),
        ProductionWindow.objects.all(),
    )
    if components is not None:
        stored = stored.filter(component__in=components)
        results = results.filter(run__experiment__component__in=components)
        days = days.filter(deployment__component__in=components)
    return max(stored.count(), results.count() + days.count())


class Progress:
    """A line a second, once there has been one."""

    def __init__(self, stream: Any, total: int) -> None:
        self.stream, self.total, self.last = stream, total, time.monotonic()

    def __call__(self, seen: int) -> None:
        now = time.monotonic()
        if now - self.last >= 1:
            self.last = now
            self.stream.write(f"{seen:,} of about {max(self.total, seen):,} points")


def in_words(check: Check) -> str:
    if check.ok and not check.added:
        return f"{check.seen:,} points, each as its record gives it."
    said = [f"{check.added:,} were missing and are added" if check.added else "", *left(check)]
    return f"{check.seen:,} points: {'; '.join(part for part in said if part)}."


def left(check: Check) -> list[str]:
    return [
        f"{count:,} {word}"
        for count, word in (
            (check.missing - check.added, "missing"),
            (check.surplus, "that no record gives"),
            (check.different, "different"),
        )
        if count
    ]
