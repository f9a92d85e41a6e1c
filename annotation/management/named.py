"""What command lines name: a campaign by its id, and the person for whom a command acts."""

from django.core.management.base import CommandError

from annotation import lookup, querysets
from annotation.models import Campaign
from evaltrack.accounts.models import User


def person_named(username: str) -> User:
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise CommandError(f"There is no account {username!r}.")
    return found


def campaign_named(public_id: str, *, seen_by: User) -> Campaign:
    found = querysets.campaigns_visible_to(seen_by).filter(public_id=lookup.uuid_of(public_id)).first()
    if found is None:
        raise CommandError(f"There is no campaign {public_id!r} that {seen_by.username} sees.")
    return found
