"""Acts: publish a version, prove its bytes, read its examples."""

import datetime as dt
from collections.abc import Iterator

from django.db import transaction

from datasets import packs, policies
from datasets.examples import Example
from datasets.models import DatasetVersion, VersionState
from evaltrack.accounts.models import User
from evaltrack.errors import ExpectedError, Invalid, NotFound, Unavailable, refuse_if
from evaltrack.integrations.object_store import object_store
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record


def find(reference: str) -> DatasetVersion:
    """The version that `slug@version` names."""
    slug, at_sign, version = reference.partition("@")
    if not at_sign or not slug or not version:
        raise Invalid("bad_dataset", f"{reference!r} does not name a version; write it as faq-golden@3.2.")
    found = (
        DatasetVersion.objects.select_related("dataset").filter(dataset__slug=slug, version=version).first()
    )
    if found is None:
        raise NotFound("no_such_dataset", f"There is no dataset version {reference!r}.")
    return found


@transaction.atomic
def publish(
    version: DatasetVersion, *, by: User, at: dt.datetime, looks_allowed: int | None = None
) -> DatasetVersion:
    """Freeze a draft; publishing it again changes nothing.

    With `looks_allowed` it is sealed: nobody but its custodian sees single examples, and each component may be
    evaluated on it so many times.
    """
    refuse_if(policies.managing(by, version.dataset))
    changed = DatasetVersion.objects.filter(pk=version.pk, state=VersionState.DRAFT).update(
        state=VersionState.PUBLISHED, published_by=by, published_at=at, looks_allowed=looks_allowed
    )
    version.refresh_from_db()
    if changed:
        record(
            Event.DATASET_PUBLISHED,
            by=by,
            subject=version,
            facts={
                "digest": version.digest,
                "examples": version.example_count,
                **({"looks_allowed": looks_allowed} if looks_allowed is not None else {}),
            },
            at=at,
        )
    return version


def stream(version: DatasetVersion) -> Iterator[Example]:
    """Examples in order, a pack at a time, each byte verified before its rows are given out."""
    return packs.read(object_store(), version.manifest, version.digest)


def examples(version: DatasetVersion) -> list[Example]:
    """All examples in order, once the whole version is verified."""
    return list(stream(version))


def verify(version: DatasetVersion, *, by: User, at: dt.datetime) -> dict:
    """Read every byte and compare with the digest; a mismatch is a ledger entry."""
    try:
        count = sum(1 for _ in stream(version))
        problem = ""
        if count != version.example_count:
            problem = f"{version} says {version.example_count} examples, the store has {count}."
    except Unavailable:
        raise
    except ExpectedError as error:
        problem = error.reason
    if not problem:
        return {"ok": True, "digest": version.digest, "examples": count}
    with transaction.atomic():
        record(Event.INTEGRITY_CHECK_FAILED, by=by, subject=version, facts={"digest": version.digest}, at=at)
    return {"ok": False, "digest": version.digest, "detail": problem}
