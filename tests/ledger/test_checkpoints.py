"""Signed notes as C2SP has them, and the key behind them."""

import base64
import stat
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models

from evaltrack.errors import Conflict
from evaltrack.ledger import checkpoints, merkle, notes
from evaltrack.ledger.models import Checkpoint, LedgerEntry
from evaltrack.ledger.verification import verify
from tests.ledger.append_only import without_triggers
from tests.ledger.cast import AT

EIGHT = bytes.fromhex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")


def test_the_body_is_origin_size_and_root():
    body = notes.Body("evaltrack.example/ledger", 8, EIGHT)
    assert body.text() == "evaltrack.example/ledger\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n"


def test_key_id_and_verifier_key_are_those_of_the_published_example():
    """The verifier key in the documentation of golang.org/x/mod/sumdb/note."""
    word = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = notes.from_verifier_key(word)
    assert notes.key_id("PeterNeumann", key).hex() == "c74f20a3"
    assert notes.verifier_key("PeterNeumann", key) == word


def test_the_published_example_of_a_note_verifies_with_the_same_rules():
    """From the documentation of golang.org/x/mod/sumdb/note: no checkpoint, but signed alike."""
    key = notes.from_verifier_key("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    text = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n"
    )
    signature = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert signature[:4].hex() == "c74f20a3"
    key.verify(signature[4:], text.encode())


def test_an_issued_checkpoint_is_signed_and_covers_the_ledger(history):
    body = checkpoints.verify_note(history.note, checkpoints.public_key())
    assert (body.origin, body.size) == ("evaltrack.example/ledger", 5)
    assert body.root == merkle.root(LedgerEntry.objects.leaf_hashes(5))
    text, blank, signature = history.note.split("\n", 3)[3].partition("\n")
    assert (text, blank) == ("", "\n")
    assert signature.startswith("— evaltrack.example/ledger ")


def test_an_empty_ledger_has_a_checkpoint_too(db):
    checkpoint = checkpoints.issue(AT)
    assert (checkpoint.size, checkpoint.root) == (0, merkle.EMPTY_ROOT.hex())


def test_a_daily_checkpoint_is_issued_when_nothing_happened(history):
    assert checkpoints.issue(AT).size == history.size
    assert Checkpoint.objects.count() == 3


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("\n5\n", "\n6\n"),
        lambda note: note.replace("\n5\n", "\n05\n"),
        lambda note: note.replace("evaltrack.example/ledger\n5", "other.example/ledger\n5"),
        lambda note: note.replace("\n\n", "\n"),
        lambda note: note.replace("\n\n—", "\nmore\n\n—"),
        lambda note: note.replace("—", "-"),
        lambda note: note + "x",
        lambda note: note + "\0\n",
        lambda note: note[:-6] + ("AAAA=\n" if not note.endswith("AAAA=\n") else "BBBB=\n"),
        lambda note: note.partition("\n\n")[0] + "\n",
        lambda note: note.removesuffix("\n"),
        lambda note: "",
    ],
)
def test_a_note_that_was_touched_is_refused(history, change):
    with pytest.raises(checkpoints.BadNote):
        checkpoints.verify_note(change(history.note), checkpoints.public_key())


def test_a_note_of_another_key_is_refused(history):
    with pytest.raises(checkpoints.BadNote, match="known key"):
        checkpoints.verify_note(history.note, Ed25519PrivateKey.generate().public_key())


def test_the_signature_of_a_witness_is_passed_over(history):
    witness = "— witness.example/w " + base64.b64encode(b"\1\2\3\4" + bytes(64)).decode() + "\n"
    assert checkpoints.verify_note(history.note + witness, checkpoints.public_key()).size == 5


def test_the_key_is_readable_by_its_owner_only(db, own_key):
    checkpoints.issue(AT)
    assert stat.S_IMODE(own_key.stat().st_mode) == 0o600
    assert [file.name for file in own_key.parent.iterdir()] == [own_key.name]


def test_processes_that_start_together_agree_on_one_key(own_key):
    found = []
    start = threading.Barrier(8)

    def ask():
        start.wait()
        found.append(checkpoints.verifier_key())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_looking_for_known_keys_makes_none(own_key):
    assert checkpoints.known_keys() == []
    assert not own_key.exists()


def test_a_name_that_a_note_cannot_hold_is_refused(settings):
    settings.LEDGER_ORIGIN = "two words"
    with pytest.raises(ImproperlyConfigured, match="without spaces"):
        checkpoints.origin()


def test_a_retired_key_still_verifies_what_it_signed(history, own_key):
    retired = own_key.with_name("ledger-key-retired-1.pem")
    pem = checkpoints.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    retired.write_bytes(pem)
    own_key.unlink()
    checkpoints.issue(AT)
    assert len(checkpoints.known_keys()) == 2
    assert verify().ok
    retired.unlink()
    assert {finding.code for finding in verify().findings} == {"checkpoint_changed"}


@pytest.mark.parametrize("size", [2, 5])
def test_no_checkpoint_is_signed_over_a_changed_history(history, size):
    with without_triggers(connection):
        if size < 5:
            models.QuerySet(LedgerEntry).filter(index__gte=size).delete()
        else:
            models.QuerySet(LedgerEntry).filter(index=1).update(leaf_hash="0" * 64)
    with pytest.raises(Conflict, match="no longer holds the history"):
        checkpoints.issue(AT)
