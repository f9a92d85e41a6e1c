"""What command lines name: a campaign, the person for whom a command acts, a file, and what means what in it."""

import shutil
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.core.management.base import CommandError

from annotation import lookup, querysets
from annotation.formats.mapping import PARAMETERS, Fields, fields_of
from annotation.models import Campaign
from evaltrack.accounts.models import User
from evaltrack.errors import ExpectedError


def person_named(username: str) -> User:
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no account {username!r}.")
    return found


def campaign_named(public_id: str, *, seen_by: User | None = None) -> Campaign:
    """Among those that somebody may see; without one among all, where an act asks about the right."""
    rows = querysets.campaigns_visible_to(seen_by) if seen_by else Campaign.objects.all()
    found = rows.filter(public_id=lookup.uuid_of(public_id)).first()
    if found is None:
        whose = f" that {seen_by.username} may see" if seen_by else ""
        raise CommandError(f"There is no campaign {public_id!r}{whose}.")
    return found


@contextmanager
def file_named(path: str) -> Iterator[IO[bytes]]:
    """A file to be read, perhaps more than once; - is standard input."""
    if path != "-":
        with open(path, "rb") as file:
            yield file
        return
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
        copy.seek(0)
        yield copy


def written(parts: Iterable[str], path: str) -> None:
    """Write parts as they come, to a file or, for -, to standard output."""
    if path == "-":
        sys.stdout.writelines(parts)
        return
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.writelines(parts)


def refused(error: ExpectedError) -> CommandError:
    """An expected error with everything that it lists."""
    listed = "".join(f"\n{line_of(each)}" for each in error.extra.get("errors", []))
    return CommandError(f"{error.reason}{listed}")


def line_of(error: dict[str, Any]) -> str:
    where = error.get("where") or f"line {error['line']}"
    return f"  {where}: {error['field'] + ' ' if error['field'] else ''}{error['reason']}"


def add_mapping(parser: ArgumentParser, *names: str) -> None:
    """What means what in a file of another tool; each may be said several times."""
    for name in names:
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, action="append", default=[], help=f"`{name}` in docs/reference/imports.md")


def mapping_in(options: dict[str, Any]) -> Fields:
    return fields_of({name: options[name] for name in PARAMETERS if options.get(name)})
