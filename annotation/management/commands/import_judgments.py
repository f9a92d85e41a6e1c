"""`manage.py import_judgments CAMPAIGN FILE --by USERNAME`: take in judgments that were made elsewhere."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation import imports
from annotation.management.named import (
    add_mapping,
    campaign_named,
    file_named,
    mapping_in,
    person_named,
    refused,
)
from annotation.models import ImportFormat
from evaltrack import clock
from evaltrack.errors import ExpectedError


class Command(BaseCommand):
    help = "Import judgments that were made elsewhere into a stand-alone pairwise campaign: all, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="its id, as its address has it")
        parser.add_argument("file", help="the judgments; - for standard input")
        parser.add_argument("--format", choices=ImportFormat.values, default=ImportFormat.NDJSON.value)
        parser.add_argument("--by", required=True, help="user name of the lead for whom this is done")
        add_mapping(
            parser, "item", "source", "system", "question", "ranking", "left", "right", "tie", "both_bad"
        )

    def handle(self, *args: Any, campaign: str, file: str, format: str, by: str, **options: Any) -> None:
        person = person_named(by)
        row = campaign_named(campaign)
        try:
            with file_named(file) as stream:
                found, is_new = imports.take(
                    row.pk, stream, format=format, fields=mapping_in(options), by=person, at=clock.now()
                )
        except OSError as error:
            raise CommandError(str(error)) from None
        except ExpectedError as error:
            raise refused(error) from None
        if not is_new:
            self.stdout.write(f"{row}: nothing added; this file was imported at {found.imported_at:%F %T}.")
            return
        left_out = f" Left out: {found.left_out_in_words}." if found.left_out else ""
        self.stdout.write(
            f"{row}: {found.judgments} judgments imported, {found.skipped} that raters had skipped left out, "
            f"{found.known} known already.{left_out}"
        )
