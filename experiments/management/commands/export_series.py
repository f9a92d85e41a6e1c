"""`manage.py export_series [FILE]`: the time series as OpenMetrics, as `promtool` takes it in."""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaltrack.errors import ExpectedError
from experiments.models import Component, PointSource
from experiments.series import openmetrics, reading


class Command(BaseCommand):
    help = "Write the time series as OpenMetrics with the time of each point, as it is read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="where to write; - for standard output")
        parser.add_argument("--component", default="", help="its name; all without it")
        parser.add_argument("--metric", default="")
        parser.add_argument("--source", default="", choices=["", *PointSource.values])
        parser.add_argument("--from", default="", help="a day, or a time with its zone")
        parser.add_argument("--to", default="", help="a day, which belongs to it, or a time, which does not")

    def handle(self, *args: Any, file: str, component: str, metric: str, **options: Any) -> None:
        components = Component.objects.order_by("pk")
        if component:
            components = components.filter(name=component)
            if not components.exists():
                raise CommandError(f"There is no component {component!r}.")
        try:
            part = reading.part_of(options)
            with ExitStack() as opened:
                out = sys.stdout if file == "-" else opened.enter_context(open(file, "w", encoding="utf-8"))
                found = list(components)
                out.writelines(openmetrics.exposition(lambda: reading.samples(found, part, metric=metric)))
        except OSError as error:
            raise CommandError(str(error)) from None
        except ExpectedError as error:
            raise CommandError(error.reason) from None
