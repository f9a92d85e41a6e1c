"""`manage.py verify_experiment`: compute verdicts again from their evidence; exit code 1 if one differs."""

import sys
from argparse import ArgumentParser
from json import dumps as dumped
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaltrack.errors import ExpectedError
from experiments.models import Experiment
from experiments.recomputation import Recomputed, recompute


class Command(BaseCommand):
    help = "Score, compare and decide experiments again from their outputs, and compare with what is stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "experiments", nargs="*", metavar="EXPERIMENT", help="such as exp-20251122-001; all without any"
        )
        parser.add_argument("--json", action="store_true", help="print one line for each, for programs")

    def handle(self, *args: Any, experiments: list[str], json: bool, **options: Any) -> None:
        rows = Experiment.objects.with_names().order_by("submitted_at", "pk")
        if experiments:
            rows = rows.filter(public_id__in=experiments)
            if missing := set(experiments) - set(rows.values_list("public_id", flat=True)):
                raise CommandError(f"There is no experiment {', '.join(sorted(missing))}.")
        differing = 0
        for row in rows.iterator(chunk_size=100):
            try:
                found = recompute(row)
            except ExpectedError as error:
                # One that cannot be computed here must not keep the others from being looked at.
                differing += 1
                self.stdout.write(cannot(row, error, json=json))
                continue
            if found is None:
                if experiments:
                    self.stdout.write(f"{row}: no verdict yet, nothing to verify")
                continue
            differing += not found.ok
            self.stdout.write(as_line(found) if json else in_words(found))
        if differing:
            sys.exit(1)


def cannot(row: Experiment, error: ExpectedError, *, json: bool) -> str:
    """An experiment that this server cannot compute: its pack is gone, or a plug-in that it was measured by."""
    if json:
        return dumped({"experiment": row.public_id, "ok": False, "findings": [error.reason]})
    return f"{row}: cannot be computed here: {error.reason}"


def as_line(found: Recomputed) -> str:
    return dumped(found.as_json())


def in_words(found: Recomputed) -> str:
    state = "the same bytes" if found.ok else "DIFFERENT"
    lines = [f"{found.experiment}: {found.verdict}, {state}; evidence {found.evidence_digest}"]
    lines += [f"  - {sentence}" for sentence in found.findings]
    if found.findings:
        lines += [f"    ({sentence})" for sentence in found.other_versions]
    return "\n".join(lines)
