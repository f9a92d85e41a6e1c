"""Acts: what evaluators say of themselves, and the limits that leads set."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet

from evaltrack.accounts import hours, languages
from evaltrack.accounts.models import Profile, SpokenLanguage, User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Invalid, NotFound, Refusal, refuse_if

MOST_JUDGMENTS, MOST_MINUTES, MOST_LANGUAGES = 10_000, 24 * 60, 20


@dataclass(frozen=True)
class Limit:
    """How much somebody judges in a day; None: as much as they like."""

    judgments: int | None = None
    minutes: int | None = None

    @property
    def is_none(self) -> bool:
        return self.judgments is None and self.minutes is None


def of(user: User) -> Profile:
    """The person's profile; one that is not stored where they have said nothing yet."""
    try:
        return user.profile
    except Profile.DoesNotExist:
        return Profile(user=user)


def limit_of(user: User) -> Limit:
    """The lead's limit or the person's own, whichever is lower."""
    profile = of(user)
    return Limit(
        judgments=lower(profile.judgments_per_day, profile.own_judgments_per_day),
        minutes=lower(profile.minutes_per_day, profile.own_minutes_per_day),
    )


def lower(one: int | None, other: int | None) -> int | None:
    return min((each for each in (one, other) if each is not None), default=None)


def evaluators() -> QuerySet[User]:
    """People who hold the role now."""
    return User.objects.filter(
        is_active=True, is_machine=False, role_grants__role=Role.EVALUATOR, role_grants__revoked_at=None
    )


def leading(by: User) -> Refusal | None:
    """Whether somebody looks after evaluators; a machine acts for the lead who gave it the scope."""
    if not (by.is_machine or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal(
            "not_lead", "Only an evaluation lead grants skills, sets limits and confirms languages."
        )
    return None


@transaction.atomic
def declare(
    *,
    by: User,
    at: dt.datetime,
    time_zone: str,
    working_hours: Mapping[str, list[str]],
    spoken: Iterable[str],
    limit: Limit,
    single_keys: bool,
) -> Profile:
    """What a person says of themselves; all of it, or nothing where one part cannot be used."""
    fields: dict[str, list[str]] = {}
    if time_zone not in hours.zone_names():
        fields["time_zone"] = ["is no time zone; they are named like Europe/Berlin"]
    for day, sentence in hours.problems(working_hours).items():
        fields[f"hours.{day}"] = [sentence]
    tags = checked_tags(spoken, fields)
    fields |= problems_of(limit)
    if fields:
        place, sentences = next(iter(fields.items()))
        raise Invalid("bad_profile", f"{place.replace('_', ' ')} {sentences[0]}", fields)
    profile, _ = Profile.objects.update_or_create(
        user=by,
        defaults={
            "time_zone": time_zone,
            "hours": dict(working_hours),
            "own_judgments_per_day": limit.judgments,
            "own_minutes_per_day": limit.minutes,
            "single_keys": single_keys,
        },
    )
    # What stays keeps the lead's confirmation.
    by.languages.exclude(tag__in=tags).delete()
    known = set(by.languages.values_list("tag", flat=True))
    SpokenLanguage.objects.bulk_create(
        [SpokenLanguage(user=by, tag=tag, declared_at=at) for tag in tags if tag not in known],
        ignore_conflicts=True,
    )
    return profile


def set_time_zone(*, by: User, time_zone: str) -> Profile:
    """The one that everything about a person goes by: the end of their day, and when they are mailed."""
    if time_zone not in hours.zone_names():
        sentence = "is no time zone; they are named like Europe/Berlin"
        raise Invalid("bad_time_zone", f"The time zone {sentence}.", {"time_zone": [sentence]})
    profile, _ = Profile.objects.update_or_create(user=by, defaults={"time_zone": time_zone})
    return profile


def checked_tags(spoken: Iterable[str], fields: dict[str, list[str]]) -> list[str]:
    found = {tag: languages.canonical(tag) for tag in spoken}
    if bad := [tag for tag, known in found.items() if known is None]:
        fields["languages"] = [f"{bad[0]!r} is no language tag; they look like de, en-GB or zh-Hant"]
    elif len(found) > MOST_LANGUAGES:
        fields["languages"] = [f"takes up to {MOST_LANGUAGES} languages"]
    return sorted({tag for tag in found.values() if tag})


def problems_of(limit: Limit) -> dict[str, list[str]]:
    fields = {}
    for name, value, most in [
        ("judgments_per_day", limit.judgments, MOST_JUDGMENTS),
        ("minutes_per_day", limit.minutes, MOST_MINUTES),
    ]:
        if value is not None and not 1 <= value <= most:
            fields[name] = [f"is a whole number from 1 to {most:,}, or left empty"]
    return fields


@transaction.atomic
def set_limit(evaluator: User, limit: Limit, *, by: User, at: dt.datetime) -> Profile:
    """The lead's limit; a wish of the evaluator's own that is lower stays in force."""
    refuse_if(leading(by))
    if fields := problems_of(limit):
        place, sentences = next(iter(fields.items()))
        raise Invalid("bad_limit", f"{place.replace('_', ' ')} {sentences[0]}", fields)
    changed = {"judgments_per_day": limit.judgments, "minutes_per_day": limit.minutes}
    profile, _ = Profile.objects.update_or_create(
        user=evaluator, defaults={**changed, "limited_by": by, "limited_at": at}
    )
    return profile


@transaction.atomic
def confirm_language(evaluator: User, tag: str, *, by: User, at: dt.datetime) -> SpokenLanguage:
    """The lead has seen that this is true. Confirming again changes nothing."""
    refuse_if(leading(by))
    found = evaluator.languages.filter(tag=languages.canonical(tag) or "").first()
    if found is None:
        raise NotFound("no_such_language", "This evaluator has not declared that language.")
    if SpokenLanguage.objects.filter(pk=found.pk, confirmed_at=None).update(confirmed_by=by, confirmed_at=at):
        found.refresh_from_db()
    return found
