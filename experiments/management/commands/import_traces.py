"""`manage.py import_traces COMPONENT FILE`: sample what production answered from an OTLP/JSON trace file."""

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaltrack import clock
from evaltrack.errors import ExpectedError
from experiments.models import Component
from experiments.production import intake, traces


class Command(BaseCommand):
    help = "Read what production answered from an OTLP/JSON trace file; what is known is not counted again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("component", help="its name")
        parser.add_argument(
            "file", help="one trace document a line, as collectors write it; - for standard input"
        )

    def handle(self, *args: Any, component: str, file: str, **options: Any) -> None:
        row = Component.objects.select_related("owner", "policy").filter(name=component).first()
        if row is None:
            raise CommandError(f"There is no component {component!r}.")
        new = known = 0
        with ExitStack() as opened:
            try:
                stream = sys.stdin.buffer if file == "-" else opened.enter_context(open(file, "rb"))
                found = traces.samples(stream)
                while batch := list(islice(found, intake.MOST_SAMPLES)):
                    # Who can run commands here can do whatever the owner can.
                    more, again = intake.take(row, batch, by=row.owner, at=clock.now())
                    new, known = new + more, known + again
            except (OSError, ExpectedError) as error:
                raise CommandError(f"{error} {new} samples were taken in before.") from None
        self.stdout.write(f"{component}: {new} new samples, {known} known already.")
