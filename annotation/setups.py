"""Acts of the lead on a campaign that is not open yet: begin it, say what it is, open it, drop it.

It goes through the acts that the API calls. What was said is tried by opening the campaign and taking that back, so
that the last page shows nothing that could not be opened.
"""

import datetime as dt
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime

from annotation import opening, overlap, policies
from annotation.blinding import identity
from annotation.formats import task_files
from annotation.models import Campaign, Setup
from annotation.protocols import rules_of
from annotation.repeats import Repeats
from evaltrack.accounts.models import User
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid, NotFound, Stale, refuse_if
from evaltrack.ndjson import BrokenLines

# What was begun and left lying.
KEPT = dt.timedelta(days=30)
MOST = 20
# Which of its words evaluators read.
READ = ("question", "guidance")


class TakenBack(Exception):
    """What was tried can be done, and is not done yet."""


def unfinished(by: User) -> QuerySet[Setup]:
    return Setup.objects.filter(begun_by=by, campaign=None).defer("file").order_by("-begun_at", "-pk")


def named(public_id: uuid.UUID, *, by: User) -> Setup:
    """The lead's own; somebody else's looks the same as none."""
    found = Setup.objects.filter(public_id=public_id, begun_by=by).defer("file").first()
    if found is None:
        raise NotFound("no_such_setup", "There is no such campaign that you are setting up.")
    return found


@transaction.atomic
def begin(*, protocol: str, by: User, at: dt.datetime, file: bytes | None = None, name: str = "") -> Setup:
    """Begin with the items of a file, or with none. What is wrong in a file is said before anything is kept."""
    refuse_if(policies.opening(by))
    unfinished(by).filter(begun_at__lt=at - KEPT).delete()
    if unfinished(by).count() >= MOST:
        raise Conflict("too_many_setups", f"You are setting up {MOST} campaigns; open or drop one of them.")
    rules_of(protocol)
    setup = Setup(begun_by=by, begun_at=at, protocol=protocol)
    if file is not None:
        take_file(setup, file, name)
    setup.save()
    return setup


@transaction.atomic
def replace_file(setup_id: int, *, file: bytes, name: str, by: User) -> Setup:
    refuse_if(policies.opening(by))
    setup = locked(setup_id)
    take_file(setup, file, name)
    setup.save()
    return setup


def take_file(setup: Setup, file: bytes, name: str) -> None:
    if len(file) > task_files.MOST_BYTES:
        most = task_files.MOST_BYTES // 1024 // 1024
        sentence = f"is larger than {most} MB; open the campaign without items and send them by the API"
        raise Invalid("file_too_large", f"The file {sentence}.", {"file": [sentence]})
    try:
        found = task_files.checked(file, name, rules_of(setup.protocol))
    except BrokenLines as broken:
        raise broken.as_invalid() from None
    setup.file, setup.file_name = file, name[-200:].replace("\x00", "")
    setup.file_sha256 = hashlib.sha256(file).hexdigest()
    setup.items, setup.systems = found.items, list(found.systems)


@transaction.atomic
def describe(setup_id: int, *, body: Mapping[str, Any], by: User, at: dt.datetime) -> Setup:
    """Say what the campaign is to be, in the API's words and shape; the last word counts."""
    refuse_if(policies.opening(by))
    setup = locked(setup_id)
    setup.body = {**body, "protocol": setup.protocol}
    refuse_what_tells(setup)
    refuse_past_due_time(setup, at=at)
    try:
        with transaction.atomic():
            opening.open_stand_alone(**asked_for(setup), by=by, at=at)
            raise TakenBack
    except TakenBack:
        pass
    setup.save(update_fields=["body"])
    return setup


@transaction.atomic
def open_campaign(setup_id: int, *, seen: str, by: User, at: dt.datetime) -> Campaign:
    """Open it, with the items of its file: all of that, or nothing. Again, it is the campaign that is open already.

    `seen`: the digest of what the lead was shown.
    """
    refuse_if(policies.opening(by))
    setup = standing(setup_id)
    if setup.campaign:
        return setup.campaign
    if not setup.body:
        raise Conflict("nothing_said", "Say first what the campaign is to be.")
    if seen != digest_of(setup):
        raise Stale("setup_changed", "This was changed meanwhile, in another window. Look at it again.")
    refuse_what_tells(setup)
    # The last page may have stayed open over night.
    refuse_past_due_time(setup, at=at)
    campaign = opening.open_stand_alone(**asked_for(setup), by=by, at=at)
    if setup.file is not None:
        items, unit = task_files.read_upload(bytes(setup.file), setup.file_name, rules_of(setup.protocol))
        opening.add_items(campaign.pk, items, by=by, at=at, unit=unit)
        campaign.refresh_from_db(fields=["task_count"])
    setup.campaign, setup.file = campaign, None
    setup.save(update_fields=["campaign", "file"])
    return campaign


@transaction.atomic
def drop(setup_id: int, *, by: User) -> None:
    refuse_if(policies.opening(by))
    locked(setup_id).delete()


def standing(setup_id: int) -> Setup:
    """Locked; it may have been dropped in another window."""
    setup = Setup.objects.select_for_update(of=("self",)).filter(pk=setup_id).first()
    if setup is None:
        raise NotFound("no_such_setup", "This was dropped; begin a new one.")
    return setup


def locked(setup_id: int) -> Setup:
    """The same, and not open yet."""
    setup = standing(setup_id)
    if setup.campaign_id:
        raise Conflict("already_opened", "This campaign is open already; change it on its own page.")
    return setup


def digest_of(setup: Setup) -> str:
    return digest([setup.body, setup.file_sha256])


def asked_for(setup: Setup) -> dict[str, Any]:
    """What the act takes, from what is kept in the API's shape."""
    asked = dict(setup.body)
    rule, due_at = asked["overlap"], asked.get("due_at")
    asked["overlap"] = overlap.Adaptive(**rule) if isinstance(rule, dict) else rule
    asked["repeats"] = Repeats(**asked["repeats"]) if asked.get("repeats") else None
    asked["due_at"] = parse_datetime(due_at) if due_at else None
    return asked


def refuse_past_due_time(setup: Setup, *, at: dt.datetime) -> None:
    due_at = asked_for(setup)["due_at"]
    if due_at and due_at <= at:
        sentence = "lies in the past; everything would be late at once"
        raise Invalid("bad_due_time", f"due_at {sentence}.", {"due_at": [sentence]})


def refuse_what_tells(setup: Setup) -> None:
    """What evaluators read of the campaign itself must not name the systems that its items come from.

    Of more systems than are looked for they are names of items, and are not.
    """
    few = setup.systems if len(setup.systems) <= task_files.MOST_NAMED else []
    scanner = identity.Scanner([*settings.REVIEW_ALIASES, *few])
    rubric = setup.body.get("rubric") or {}
    texts = {"name": setup.body["name"]} | {f"rubric.{part}": rubric[part] for part in READ if part in rubric}
    texts["rubric.scale"] = "\n".join(rubric.get("scale", ()))
    for part in ("criteria", "reasons", "examples"):
        for number, each in enumerate(rubric.get(part, ())):
            words = [value for value in each.values() if isinstance(value, str)]
            lists = (*each.get("responses", ()), *each.get("scale", ()))
            texts[f"rubric.{part}.{number}"] = "\n".join([*words, *lists])
    found = {}
    for field, text in texts.items():
        certain = [each for each in scanner.scan(text) if each.level == identity.CERTAIN]
        if certain:
            told = text[certain[0].start : certain[0].end][:80]
            found[field] = [f"names {told!r}; evaluators read it, and must not know the systems"]
    if found:
        field, sentences = next(iter(found.items()))
        raise Invalid("names_a_system", f"{field} {sentences[0]}.", found)
