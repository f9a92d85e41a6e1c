"""Acts: publish a confidentiality agreement. The newest is in force; what people signed before stays as it was."""

import datetime as dt

from django.db import IntegrityError, transaction

from evaltrack.accounts.models import Agreement, User
from evaltrack.accounts.roles import Permission
from evaltrack.canonical import sha256_hex
from evaltrack.errors import Conflict, Invalid, Refusal, Stale, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.reasons import encodable

SHORTEST, LONGEST = 200, 30_000


def in_force() -> Agreement | None:
    return Agreement.objects.order_by("-pk").first()


def newest_signed_by(user: User) -> Agreement | None:
    """The text under which the person signed last."""
    signature = user.agreements.select_related("agreement").order_by("-agreement").first()
    return signature.agreement if signature else None


def publishing(by: User) -> Refusal | None:
    if not (by.can(Permission.MANAGE_PEOPLE) or by.can(Permission.MANAGE_CAMPAIGNS)):
        return Refusal(
            "not_publisher",
            "Only an administrator or an evaluation lead publishes the confidentiality agreement.",
        )
    return None


@transaction.atomic
def publish(text: str, *, replaces: str, by: User, at: dt.datetime) -> Agreement:
    """Put a new text into force: at their next claim, everybody is asked to sign it.

    `replaces`: the digest of the text that the publisher has seen in force, so that nobody overwrites what
    somebody else has just published.
    """
    refuse_if(publishing(by))
    text = checked(text)
    current = in_force()
    if current and current.digest != replaces:
        raise Stale(
            "agreement_changed",
            f"Somebody else has published version {current.version} meanwhile. "
            "Read it below; your own text is still in the form.",
        )
    digest = sha256_hex(text.encode())
    if current and current.digest == digest:
        raise Conflict(
            "same_text",
            "This is word for word the text in force; nothing was published, nobody has to sign again.",
        )
    try:
        with transaction.atomic():
            row = Agreement.objects.create(
                version=next_version(at), text=text, digest=digest, published_by=by, published_at=at
            )
    except IntegrityError:
        raise Stale("agreement_changed", "Somebody else is publishing at this moment. Look again.") from None
    record(
        Event.AGREEMENT_PUBLISHED, by=by, subject=row, facts={"version": row.version, "digest": digest}, at=at
    )
    return row


def checked(text: str) -> str:
    text = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()
    sentence = ""
    if len(text) < SHORTEST:
        sentence = f"An agreement takes at least {SHORTEST} characters; people sign all of it."
    elif len(text) > LONGEST:
        sentence = f"An agreement takes at most {LONGEST} characters; nobody reads more."
    elif "\x00" in text or not encodable(text):
        sentence = "The text holds characters that cannot be stored. Type it again without them."
    if sentence:
        raise Invalid("bad_text", sentence, {"text": [sentence]})
    return text


def next_version(at: dt.datetime) -> str:
    """The year and a number: 2026-3."""
    versions = Agreement.objects.filter(version__startswith=f"{at:%Y}-").values_list("version", flat=True)
    numbers = [int(version.rpartition("-")[2]) for version in versions]
    return f"{at:%Y}-{max(numbers, default=0) + 1}"
