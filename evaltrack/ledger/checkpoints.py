"""Signed checkpoints: what we commit to in front of others, and the key that signs it."""

import datetime as dt
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from evaltrack.errors import Conflict
from evaltrack.ledger import notes
from evaltrack.ledger.merkle import Frontier
from evaltrack.ledger.models import Checkpoint, LedgerEntry
from evaltrack.ledger.notes import BadNote, verify_note

__all__ = ["BadNote", "issue", "known_keys", "public_key", "verifier_key", "verify_note"]


# "evtcheck" as a number: the key of the lock that orders checkpoints.
ADVISORY_LOCK = 0x6576746368656368


@transaction.atomic
def issue(at: dt.datetime) -> Checkpoint:
    """Sign the ledger as it stands. Every call adds a row: a daily checkpoint is a sign of life.

    Call it after the decision's transaction has ended: what is signed must not be rolled back.

    Refused when the history no longer leads to the root that was signed last: a signature must never
    make an altered history look sound.
    """
    # One after the other: a slower one that saw fewer entries would look as if the ledger had shrunk.
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ADVISORY_LOCK])
    previous = Checkpoint.objects.order_by("-id").first()
    size = LedgerEntry.objects.size()
    if previous and size < previous.size:
        raise altered(previous)
    frontier = Frontier()
    for leaf in LedgerEntry.objects.leaf_hashes(size):
        if previous and frontier.size == previous.size and frontier.root().hex() != previous.root:
            raise altered(previous)
        frontier.append(leaf)
    if frontier.size != size or (
        previous and previous.size == size and frontier.root().hex() != previous.root
    ):
        raise altered(previous)
    body = notes.Body(origin(), size, frontier.root())
    checkpoint = Checkpoint(
        size=size, root=body.root.hex(), note=notes.signed(body, signing_key()), issued_at=at
    )
    checkpoint.save()
    return checkpoint


def altered(previous: Checkpoint | None) -> Conflict:
    where = f"up to entry {previous.size - 1}" if previous and previous.size else "as it was"
    return Conflict(
        "ledger_altered",
        f"No checkpoint was signed: the ledger no longer holds the history {where} that was signed before. "
        "Run `manage.py verify_ledger` to see what changed.",
    )


def origin() -> str:
    """The ledger's name, which is also the name of its key."""
    name = settings.LEDGER_ORIGIN
    if not name or "+" in name or any(sign.isspace() or ord(sign) < 32 for sign in name):
        raise ImproperlyConfigured(f"LEDGER_ORIGIN is {name!r}; write a name without spaces and plus signs.")
    return name


def signing_key() -> Ed25519PrivateKey:
    """The key in LEDGER_KEY_FILE, which is made at first use. Hosts that sign share one file."""
    path = Path(settings.LEDGER_KEY_FILE)
    if not path.exists():
        create_key(path)
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"{path} does not hold an Ed25519 key.")
    return key


def create_key(path: Path) -> None:
    """Readable by its owner only, and complete before it can be seen; the first of two processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()


def public_key() -> Ed25519PublicKey:
    return signing_key().public_key()


def verifier_key() -> str:
    """The public key as one word for auditors and C2SP tools. Publish it; whoever verifies keeps a copy."""
    return notes.verifier_key(origin(), public_key())


def known_keys() -> list[Ed25519PublicKey]:
    """The present public key, if there is one, and those retired; never makes a key.

    Retired ones are PEM files beside the key: for ledger-key.pem, ledger-key-retired-1.pem and so on.
    """
    path = Path(settings.LEDGER_KEY_FILE)
    keys = [public_key()] if path.exists() else []
    for retired in sorted(path.parent.glob(f"{path.stem}-retired-*.pem")):
        key = load_pem_public_key(retired.read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise ImproperlyConfigured(f"{retired} does not hold an Ed25519 public key.")
        keys.append(key)
    return keys
