"""Publishing a version, proving its bytes, finding it by name."""

import pytest

from datasets import versions
from datasets.models import VersionState
from evaltrack import clock
from evaltrack.errors import Invalid, NotFound, Refused, Unavailable
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry


def entries(event):
    return LedgerEntry.objects.filter(event=event)


def test_publishing_freezes_a_draft_and_enters_the_ledger_once(taken_in, custodian):
    version = taken_in()
    versions.publish(version, by=custodian, at=clock.now())
    first = version.published_at
    versions.publish(version, by=custodian, at=clock.now())
    assert (version.state, version.published_by, version.published_at) == ("published", custodian, first)
    [entry] = entries(Event.DATASET_PUBLISHED)
    assert entry.content["facts"] == {"digest": version.digest, "examples": 20}
    assert entry.subject_id == "faq/1.0"


def test_only_the_custodian_publishes(taken_in, owner):
    version = taken_in()
    with pytest.raises(Refused, match="ask them to change it"):
        versions.publish(version, by=owner, at=clock.now())
    version.refresh_from_db()
    assert version.state == VersionState.DRAFT
    assert not entries(Event.DATASET_PUBLISHED).exists()


def test_a_sound_version_verifies(taken_in, custodian):
    version = taken_in()
    found = versions.verify(version, by=custodian, at=clock.now())
    assert found == {"ok": True, "digest": version.digest, "examples": 20}
    assert not entries(Event.INTEGRITY_CHECK_FAILED).exists()


def test_an_altered_store_is_found_and_enters_the_ledger(taken_in, custodian, settings):
    version = taken_in()
    for blob in settings.STORE_DIR.rglob("*"):
        if blob.is_file() and blob.name != version.manifest:
            blob.write_bytes(b"something else")
    found = versions.verify(version, by=custodian, at=clock.now())
    assert found["ok"] is False
    assert "restore it from a backup" in found["detail"]
    assert entries(Event.INTEGRITY_CHECK_FAILED).count() == 1


def test_a_store_that_is_away_proves_nothing(taken_in, custodian, settings):
    version = taken_in()
    settings.STORE_DIR.rename(settings.STORE_DIR.with_name("away"))
    with pytest.raises(Unavailable):
        versions.verify(version, by=custodian, at=clock.now())
    assert not entries(Event.INTEGRITY_CHECK_FAILED).exists()


def test_a_version_is_found_by_slug_and_number(taken_in):
    version = taken_in()
    assert versions.find("faq@1.0") == version


@pytest.mark.parametrize("reference", ["faq", "faq@", "@1.0", ""])
def test_a_reference_without_a_number_says_how_to_write_one(reference, db):
    with pytest.raises(Invalid, match=r"write it as faq-golden@3\.2"):
        versions.find(reference)


def test_an_unknown_version_is_not_found(taken_in):
    taken_in()
    with pytest.raises(NotFound, match="There is no dataset version 'faq@9'"):
        versions.find("faq@9")
