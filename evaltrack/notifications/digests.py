"""Gathers what somebody was told into one mail a day.

A digest and what it lists are fixed in one transaction, before anything is sent: whoever sends it, and how often,
sends the same mail under the same id.
"""

import datetime as dt
import logging

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from evaltrack.notifications import preferences, timing
from evaltrack.notifications.models import Digest, MailMode, MailPreference, Notification

log = logging.getLogger(__name__)


def gather_due(at: dt.datetime) -> int:
    """Make the digests whose moment has come; how many."""
    due = waiting(at).filter(recipient=OuterRef("user"))
    readers = MailPreference.objects.filter(Exists(due), mode=MailMode.DIGEST).order_by("pk")
    made = 0
    for preference_id in readers.values_list("pk", flat=True):
        try:
            made += gather(preference_id, at=at) is not None
        except Exception:
            log.exception(
                "the digest of preference %s could not be made and will be tried again", preference_id
            )
    return made


def waiting(at: dt.datetime) -> QuerySet[Notification]:
    """What can go into a digest. What was tried as a mail of its own may have arrived so, and stays one."""
    return Notification.objects.filter(send_after__lte=at, attempts=0, is_urgent=False)


@transaction.atomic
def gather(preference_id: int, *, at: dt.datetime) -> Digest | None:
    """One digest of everything up to its moment; None where there is nothing, or another worker is at it."""
    preference = (
        MailPreference.objects.select_for_update(skip_locked=True, of=("self",))
        .select_related("user__profile")
        .filter(pk=preference_id, mode=MailMode.DIGEST)
        .first()
    )
    if preference is None:
        return None
    choice = preferences.of(preference.user)
    due_at = timing.digest_before(at, choice.zone, choice.digest_hour)
    rows = list(
        waiting(at)
        .select_for_update(of=("self",))
        .filter(recipient=preference.user, created_at__lt=due_at)
        .order_by("created_at", "pk")
        .values_list("pk", flat=True)
    )
    if not rows:
        return None
    if Digest.objects.filter(recipient=preference.user, due_at=due_at).exists():
        # Written before that digest, and stored after it: they are listed in the next one.
        later = timing.digest_after(at, choice.zone, choice.digest_hour)
        Notification.objects.filter(pk__in=rows).update(send_after=later)
        return None
    digest = Digest.objects.create(recipient=preference.user, due_at=due_at, created_at=at, send_after=at)
    Notification.objects.filter(pk__in=rows).update(digest=digest, send_after=None)
    return digest
