"""`manage.py export_tasks CAMPAIGN [FILE] --by USERNAME`: take a stand-alone campaign's items along."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation.exports import tasks
from annotation.exports.tasks import FORMATS
from annotation.management.named import campaign_named, person_named, written
from evaltrack.errors import ExpectedError


class Command(BaseCommand):
    help = "Export the items of a stand-alone campaign, as NDJSON or for Label Studio."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="its id, as its address has it")
        parser.add_argument("file", nargs="?", default="-", help="where to write; - for standard output")
        parser.add_argument("--format", choices=FORMATS, default="ndjson")
        parser.add_argument("--part", choices=tasks.PARTS, default="tasks", help="of Label Studio's format")
        parser.add_argument("--by", required=True, help="user name of the lead for whom this is done")

    def handle(self, *args: Any, campaign: str, file: str, format: str, part: str, **options: Any) -> None:
        person = person_named(options["by"])
        row = campaign_named(campaign, seen_by=person)
        try:
            written(tasks.opened(row, format=format, part=part, by=person).parts, file)
        except OSError as error:
            raise CommandError(str(error)) from None
        except ExpectedError as error:
            raise CommandError(error.reason) from None
