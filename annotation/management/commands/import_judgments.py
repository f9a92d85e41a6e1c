"""`manage.py import_judgments CAMPAIGN FILE --by USERNAME`: take in judgments that were made elsewhere."""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from contextlib import ExitStack
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from annotation import imports, lookup
from annotation.models import Campaign, ImportFormat
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.errors import ExpectedError


class Command(BaseCommand):
    help = "Import judgments that were made elsewhere into a stand-alone pairwise campaign: all, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="its id, as its address has it")
        parser.add_argument("file", help="the judgments; - for standard input")
        parser.add_argument("--format", choices=ImportFormat.values, default=ImportFormat.NDJSON.value)
        parser.add_argument("--by", required=True, help="user name of the lead for whom this is done")

    def handle(self, *args: Any, campaign: str, file: str, format: str, by: str, **options: Any) -> None:
        person = User.objects.filter(username=by, is_active=True).first()
        if person is None:
            raise CommandError(f"There is no account {by!r}.")
        row = Campaign.objects.filter(public_id=lookup.uuid_of(campaign)).first()
        if row is None:
            raise CommandError(f"There is no campaign {campaign!r}.")
        with ExitStack() as opened:
            try:
                stream: IO[bytes]
                if file == "-":
                    stream = opened.enter_context(tempfile.TemporaryFile())
                    shutil.copyfileobj(sys.stdin.buffer, stream)
                    stream.seek(0)
                else:
                    stream = opened.enter_context(open(file, "rb"))
                found, is_new = imports.take(row.pk, stream, format=format, by=person, at=clock.now())
            except OSError as error:
                raise CommandError(str(error)) from None
            except ExpectedError as error:
                listed = "".join(f"\n{line_of(each)}" for each in error.extra.get("errors", []))
                raise CommandError(f"{error.reason}{listed}") from None
        if not is_new:
            self.stdout.write(f"{row}: nothing added; this file was imported at {found.imported_at:%F %T}.")
            return
        self.stdout.write(
            f"{row}: {found.judgments} judgments imported, {found.skipped} that raters had skipped left out, "
            f"{found.known} known already."
        )


def line_of(error: dict[str, Any]) -> str:
    return f"  line {error['line']}: {error['field'] + ' ' if error['field'] else ''}{error['reason']}"
