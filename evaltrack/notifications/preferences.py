"""Act: choose how one is told. And what somebody has chosen."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction

from evaltrack.accounts import profiles
from evaltrack.accounts.models import User
from evaltrack.errors import Invalid
from evaltrack.notifications import timing
from evaltrack.notifications.models import MailMode, MailPreference, Notification
from evaltrack.notifications.timing import Quiet


@dataclass(frozen=True)
class Choice:
    """How somebody is mailed, with the time zone by which they live."""

    mode: str = MailMode.AT_ONCE
    digest_hour: int = 8
    quiet: Quiet | None = None
    zone: str = "UTC"


def of(user: User) -> Choice:
    row = MailPreference.objects.filter(user=user).first()
    zone = profiles.of(user).time_zone
    if not user.is_active:
        return Choice(mode=MailMode.NONE, zone=zone)  # who has left is mailed nothing
    if row is None:
        return Choice(zone=zone)
    if row.quiet_from is None or row.quiet_to is None:
        return Choice(row.mode, row.digest_hour, None, zone)
    return Choice(row.mode, row.digest_hour, Quiet(row.quiet_from, row.quiet_to), zone)


@transaction.atomic
def choose(choice: Choice, *, by: User, at: dt.datetime) -> Choice:
    """What waits already is looked at anew; what was tried already keeps its own way."""
    if choice.mode not in MailMode.values:
        raise Invalid("bad_mode", "Choose how you are mailed.", {"mode": ["is not chosen"]})
    if not 0 <= choice.digest_hour <= 23:
        raise Invalid("bad_hour", "The hour goes from 0 to 23.", {"digest_hour": ["goes from 0 to 23"]})
    quiet = choice.quiet
    if quiet and quiet.start == quiet.end:
        sentence = "end at another time than they begin"
        raise Invalid("bad_quiet_hours", f"Quiet hours {sentence}.", {"quiet": [sentence]})
    if quiet and choice.mode == MailMode.DIGEST and quiet.covers(dt.time(choice.digest_hour)):
        sentence = "lies in your quiet hours; choose one outside"
        raise Invalid("digest_in_quiet_hours", f"The hour {sentence}.", {"digest_hour": [sentence]})
    profiles.set_time_zone(by=by, time_zone=choice.zone)
    MailPreference.objects.update_or_create(
        user=by,
        defaults={
            "mode": choice.mode,
            "digest_hour": choice.digest_hour,
            "quiet_from": quiet.start if quiet else None,
            "quiet_to": quiet.end if quiet else None,
        },
    )
    Notification.objects.filter(recipient=by, send_after__gt=at, attempts=0).update(send_after=at)
    return choice


def next_mail(choice: Choice, row: Notification, *, at: dt.datetime) -> dt.datetime | None:
    """From when on a message can leave, as a mail of its own or in a digest; None: never."""
    if choice.mode == MailMode.NONE:
        return None
    if row.is_urgent:
        return at
    if is_gathered(choice, row):
        return timing.digest_after(row.created_at, choice.zone, choice.digest_hour)
    return after_quiet(choice, at)


def is_gathered(choice: Choice, row: Notification) -> bool:
    """Whether it goes into a digest. What was tried as a mail of its own may have arrived so, and stays one."""
    return choice.mode == MailMode.DIGEST and not row.is_urgent and row.attempts == 0


def after_quiet(choice: Choice, at: dt.datetime) -> dt.datetime:
    if choice.quiet and timing.is_quiet(at, choice.zone, choice.quiet):
        return timing.quiet_ends(at, choice.zone, choice.quiet)
    return at
