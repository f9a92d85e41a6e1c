"""Acts: define an SLA policy, and find the one that holds."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from annotation import policies
from annotation.models import Campaign, SlaPolicy
from annotation.sla import rules
from evaltrack.accounts.models import User
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid, refuse_if

# What holds where a campaign names no policy, once somebody has defined it; before that, what the settings say.
DEFAULT = "default"
BUILT_IN = "built-in"
MOST_YEARS = 10


def define(name: str, body: Any, *, by: User, at: dt.datetime) -> SlaPolicy:
    """The newest version of the policy `name` with this body, made where it is new."""
    refuse_if(policies.opening(by))
    if name == BUILT_IN:
        sentence = "is what holds where there is no policy; choose another name"
        raise Invalid("bad_sla", f"{name} {sentence}.", {"name": [sentence]})
    return version_of(name, rules.parse(body), by=by, at=at)


@transaction.atomic
def version_of(name: str, policy: rules.Policy, *, by: User | None, at: dt.datetime) -> SlaPolicy:
    body = policy.as_json()
    fingerprint = digest(body)
    newest = SlaPolicy.objects.filter(name=name).order_by("-version").first()
    if newest and newest.digest == fingerprint:
        return newest
    version = newest.version + 1 if newest else 1
    try:
        with transaction.atomic():
            return SlaPolicy.objects.create(
                name=name, version=version, body=body, digest=fingerprint, created_by=by, created_at=at
            )
    except IntegrityError:
        # Somebody made the next version at the same moment; the same rules are the same version.
        row = SlaPolicy.objects.get(name=name, version=version)
        if row.digest == fingerprint:
            return row
        raise Conflict(
            "policy_changed", f"{name} was changed by somebody else; look and try again."
        ) from None


def holding(name: str, *, at: dt.datetime) -> SlaPolicy:
    """The newest version of the policy `name`; without a name, the default one."""
    found = SlaPolicy.objects.filter(name=name or DEFAULT).order_by("-version").first()
    if found:
        return found
    if name:
        known = names(SlaPolicy.objects.exclude(name=BUILT_IN).values_list("name", flat=True))
        sentence = f"names {name!r}, which is no SLA policy; {known}"
        raise Invalid("no_such_sla", f"sla {sentence}.", {"sla": [sentence]})
    return version_of(BUILT_IN, rules.around_the_clock(settings.REVIEW_DUE_HOURS), by=None, at=at)


def names(found: Iterable[str]) -> str:
    known = sorted(set(found))
    return f"known are {', '.join(known)}" if known else "none is defined yet"


def columns(name: str, priority: str, due_at: dt.datetime | None, *, at: dt.datetime) -> dict[str, Any]:
    """What a campaign that opens now has of its policy. `due_at`: what somebody has chosen instead of its time."""
    if due_at:
        refuse_far_away(due_at, at=at)
    row = holding(name, at=at)
    return {
        "sla": row,
        "priority": priority,
        "due_at": due_at or rules.Policy.from_json(row.body).due_at(priority, opened_at=at),
    }


def refuse_far_away(due_at: dt.datetime, *, at: dt.datetime) -> None:
    if abs(due_at - at) > dt.timedelta(days=365 * MOST_YEARS):
        sentence = f"lies more than {MOST_YEARS} years away"
        raise Invalid("bad_due_time", f"due_at {sentence}.", {"due_at": [sentence]})


def of(campaign: Campaign) -> rules.Policy:
    if campaign.sla is None:
        return rules.around_the_clock(settings.REVIEW_DUE_HOURS)
    return rules.Policy.from_json(campaign.sla.body)


def facts(campaign: Campaign) -> dict[str, str]:
    """What the ledger says about how long people may take."""
    if campaign.sla is None:
        return {}
    return {"sla": str(campaign.sla), "sla_sha256": campaign.sla.digest, "priority": campaign.priority}
