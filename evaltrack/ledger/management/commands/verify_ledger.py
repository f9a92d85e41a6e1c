"""`manage.py verify_ledger`: prove that the ledger was not altered; exit code 1 if it was."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaltrack.ledger import notes
from evaltrack.ledger.verification import Report, verify


class Command(BaseCommand):
    help = "Recompute the ledger from its stored bytes and compare it with every signed checkpoint."
    # A missing trigger is one of the findings; it must not keep us from reporting the others.
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--against",
            metavar="FILE",
            help="a checkpoint that is kept elsewhere, to be continued by this ledger",
        )
        parser.add_argument(
            "--key", metavar="NAME+ID+KEY", help="trust this verifier key instead of the keys on this server"
        )
        parser.add_argument("--json", action="store_true", help="print the result for programs")

    def handle(self, *args: Any, against: str | None, key: str | None, json: bool, **options: Any) -> None:
        try:
            held = Path(against).read_text(encoding="utf-8") if against else None
            keys = [notes.from_verifier_key(key)] if key else None
        except (OSError, ValueError) as error:
            raise CommandError(f"The ledger was not verified: {error}") from error
        report = verify(against=held, public_keys=keys)
        self.stdout.write(as_json(report) if json else in_words(report))
        if not report.ok:
            sys.exit(1)


def as_json(report: Report) -> str:
    return json.dumps(report.as_dict(), indent=2)


def in_words(report: Report) -> str:
    lines = [f"Size: {report.size} entries", f"Root: {report.root.hex()}", "Checked:"]
    lines += [f"  - {what}" for what in report.checked]
    if report.ok:
        return "\n".join([*lines, "The ledger is sound."])
    lines.append(f"The ledger is NOT sound. Findings: {len(report.findings)}")
    return "\n".join([*lines, *(f"  - {finding.sentence}" for finding in report.findings)])
