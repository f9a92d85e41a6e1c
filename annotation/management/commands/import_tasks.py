"""`manage.py import_tasks CAMPAIGN FILE --by USERNAME`: add items to a stand-alone campaign."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation import opening
from annotation.formats.left_out import LeftOut
from annotation.formats.task_files import FORMATS, read_items
from annotation.management.named import (
    add_mapping,
    campaign_named,
    file_named,
    mapping_in,
    person_named,
    refused,
)
from annotation.protocols import rules_of
from evaltrack import clock
from evaltrack.errors import ExpectedError


class Command(BaseCommand):
    help = "Add items to a stand-alone campaign, as NDJSON, as CSV or as tasks of Label Studio: all, or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="its id, as its address has it")
        parser.add_argument("file", help="the items; - for standard input")
        parser.add_argument("--format", choices=FORMATS, default="ndjson")
        parser.add_argument("--by", required=True, help="user name of the lead for whom this is done")
        add_mapping(parser, "item", "prompt", "response", "source", "system")

    def handle(self, *args: Any, campaign: str, file: str, format: str, by: str, **options: Any) -> None:
        person = person_named(by)
        row = campaign_named(campaign)
        rules, left_out = rules_of(row.protocol), LeftOut()
        try:
            fields = mapping_in(options)
            with file_named(file) as stream:
                items, unit = read_items(stream, format, fields, rules, left_out)
                added, held = opening.add_items(row.pk, items, by=person, at=clock.now(), unit=unit)
        except OSError as error:
            raise CommandError(str(error)) from None
        except ExpectedError as error:
            raise refused(error) from None
        left = f" Not taken: {left_out.in_words()}." if left_out.others else ""
        self.stdout.write(f"{row}: {added} items added, {held.held} of them held for the lead's check.{left}")
