"""`manage.py export_judgments CAMPAIGN [FILE] --by USERNAME`: take along what people said in a campaign."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from annotation import exports
from annotation.management.named import campaign_named, person_named, written
from evaltrack import clock
from evaltrack.errors import ExpectedError


class Command(BaseCommand):
    help = "Export every judgment of a campaign, marked with what it counts for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("campaign", help="its id, as its address has it")
        parser.add_argument("file", nargs="?", default="-", help="where to write; - for standard output")
        parser.add_argument("--format", choices=list(exports.FORMATS), default="jsonl")
        parser.add_argument("--include", nargs="*", choices=exports.INCLUDES, default=[], help="for jsonl")
        parser.add_argument(
            "--by", required=True, help="user name of the person for whom this is done, who sees the campaign"
        )

    def handle(self, *args: Any, campaign: str, file: str, **options: Any) -> None:
        person = person_named(options["by"])
        row = campaign_named(campaign, seen_by=person)
        try:
            found = exports.opened(
                row, format=options["format"], include=options["include"], by=person, at=clock.now()
            )
            written(found.parts, file)
        except OSError as error:
            raise CommandError(str(error)) from None
        except ExpectedError as error:
            raise CommandError(error.reason) from None
