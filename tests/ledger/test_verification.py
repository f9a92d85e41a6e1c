"""Whoever alters the ledger behind the triggers is found out; whoever does not, is not accused."""

import datetime as dt
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.db import connection, models

from evaltrack.canonical import canonical_json
from evaltrack.ledger import checkpoints, merkle, notes, triggers
from evaltrack.ledger import verification as verification_module
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import Checkpoint, Disclosure, LedgerEntry
from evaltrack.ledger.record import record
from evaltrack.ledger.verification import verify
from tests.ledger.append_only import without_triggers
from tests.ledger.cast import AT, approver


def tamper(model, match, **changes):
    with without_triggers(connection):
        assert models.QuerySet(model).filter(**match).update(**changes)


def cut(model, **match):
    with without_triggers(connection):
        models.QuerySet(model).filter(**match).delete()


def codes(**options) -> set[str]:
    return {finding.code for finding in verify(**options).findings}


def test_an_untouched_ledger_is_sound(history):
    report = verify(against=history.note)
    assert report.findings == []
    assert (report.size, report.root.hex()) == (5, history.root)
    assert "5 statements" in " ".join(report.checked)


def test_an_empty_ledger_is_sound(db):
    assert verify().ok


def test_entries_are_verified_page_by_page(history, monkeypatch):
    monkeypatch.setattr(verification_module, "PAGE", 2)
    assert verify().root.hex() == history.root
    cut(LedgerEntry, index=1)
    assert "entry_missing" in codes()


def test_changed_bytes_are_found_at_their_entry(history):
    tamper(LedgerEntry, {"index": 1}, canonical=b'{"index":1}')
    found = verify().findings
    assert {"bytes_changed", "history_changed"} <= {finding.code for finding in found}
    assert {finding.index for finding in found if finding.code == "bytes_changed"} == {1}


def test_bytes_changed_together_with_their_hash_and_columns_are_found_by_the_checkpoint(history):
    entry = LedgerEntry.objects.get(index=1)
    forged = canonical_json({**entry.content, "event": "promotion_rejected"})
    tamper(
        LedgerEntry,
        {"index": 1},
        canonical=forged,
        leaf_hash=merkle.leaf_hash(forged).hex(),
        event="promotion_rejected",
    )
    assert codes() == {"history_changed"}


@pytest.mark.parametrize("forged", [b"", b"\xff", b"[]", b'{"b":1,"a":2}', b'{"a":1,"a":2}', b'{"a": 1}'])
def test_bytes_that_are_not_canonical_json_are_found(history, forged):
    tamper(LedgerEntry, {"index": 4}, canonical=forged, leaf_hash=merkle.leaf_hash(forged).hex())
    assert "bytes_unreadable" in codes()
    assert "cannot be read" in LedgerEntry.objects.get(index=4).sentence or forged == b'{"a": 1}'


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event", "promotion_rejected"),
        ("event_id", "33333333-3333-4333-8333-333333333333"),
        ("schema_version", 2),
        ("recorded_at", AT + dt.timedelta(microseconds=1)),
        ("actor", "33333333-3333-4333-8333-333333333333"),
        ("actor_role", "owner"),
        ("subject_type", "datasets.dataset"),
        ("subject_id", "another"),
    ],
)
def test_a_changed_column_is_found(history, column, value):
    tamper(LedgerEntry, {"index": 3}, **{column: value})
    [finding] = verify().findings
    assert (finding.code, finding.index) == ("column_changed", 3)


def test_a_changed_hash_is_found(history):
    tamper(LedgerEntry, {"index": 3}, leaf_hash="0" * 64)
    assert codes() == {"bytes_changed"}


def test_a_changed_index_is_found(history):
    tamper(LedgerEntry, {"index": 4}, index=9)
    assert {"entry_missing", "column_changed"} <= codes()


@pytest.mark.parametrize("index", [0, 2])
def test_a_deleted_entry_is_found(history, index):
    cut(LedgerEntry, index=index)
    [missing] = [finding for finding in verify().findings if finding.code == "entry_missing"]
    assert (missing.index, missing.sentence) == (index, f"Entry {index} is missing.")
    assert "history_changed" in codes()


def test_a_cut_end_is_found_by_the_checkpoint_and_by_the_statements_left_behind(history):
    cut(LedgerEntry, index__gte=3)
    assert codes() == {"history_cut", "entry_missing"}


@pytest.mark.parametrize(
    "changes", [{"root": "0" * 64}, {"size": 4}, {"note": "nothing\n"}, {"note": "a\n5\nAAAA\n\n— a AAAA\n"}]
)
def test_a_changed_checkpoint_is_found(history, changes):
    tamper(Checkpoint, {"pk": history.pk}, **changes)
    assert "checkpoint_changed" in codes()


def test_checkpoints_that_shrink_are_found(history):
    first = Checkpoint.objects.get(size=3)
    cut(Checkpoint, pk=first.pk)
    with without_triggers(connection):
        Checkpoint(size=3, root=first.root, note=first.note, issued_at=AT).save()
    assert codes() == {"checkpoint_changed"}


@pytest.mark.parametrize("changes", [{"value": "a better reason"}, {"salt": b"x" * 32}, {"field": "other"}])
def test_a_changed_statement_is_found(history, changes):
    tamper(Disclosure, {"entry_index": 2}, **changes)
    [finding] = verify().findings
    assert (finding.code, finding.index) == ("statement_changed", 2)


def test_missing_triggers_are_found(history):
    triggers.remove(connection)
    assert codes() == {"triggers_missing"}
    triggers.install(connection)


def test_a_restored_older_state_is_found_only_against_what_is_kept_elsewhere(history):
    cut(Disclosure, entry_index__gte=3)
    cut(LedgerEntry, index__gte=3)
    cut(Checkpoint, size__gt=3)
    assert verify().ok
    [finding] = verify(against=history.note).findings
    assert finding.code == "history_cut"
    assert "an older state was restored" in finding.sentence


def test_a_rewritten_history_is_found_against_what_is_kept_elsewhere(history, promotion):
    cut(Checkpoint)
    cut(Disclosure)
    cut(LedgerEntry, index__gte=2)
    for _ in range(4):
        record(Event.PROMOTION_APPROVED, by=approver, subject=promotion, at=AT)
    checkpoints.issue(AT)
    assert verify().ok
    assert codes(against=history.note) == {"history_changed"}


def test_a_note_that_another_key_signed_is_not_taken_for_ours(history):
    body = notes.Body("evaltrack.example/ledger", 5, bytes.fromhex(history.root))
    assert codes(against=notes.signed(body, Ed25519PrivateKey.generate())) == {"held_note_unusable"}
    key = Ed25519PrivateKey.generate()
    foreign = notes.signed(notes.Body("other.example/ledger", 5, body.root), key)
    assert "held_note_unusable" in codes(against=foreign, public_keys=[key.public_key()])


def test_a_key_swapped_on_the_server_is_found_with_ones_own_copy(history, own_key):
    copy = checkpoints.public_key()
    own_key.unlink()
    cut(Checkpoint)
    checkpoints.issue(AT)
    assert verify().ok
    assert codes(public_keys=[copy]) == {"checkpoint_changed"}


def test_the_command_says_in_words_what_it_checked(history, tmp_path, capsys):
    held = tmp_path / "held.txt"
    held.write_text(history.note, encoding="utf-8")
    call_command("verify_ledger", against=str(held), key=checkpoints.verifier_key())
    said = capsys.readouterr().out
    for words in [
        "Size: 5 entries",
        history.root,
        "index without gaps",
        "kept elsewhere",
        "The ledger is sound.",
    ]:
        assert words in said


def test_the_command_ends_with_one_and_names_what_is_wrong(history, capsys):
    tamper(LedgerEntry, {"index": 3}, actor_role="owner")
    with pytest.raises(SystemExit) as ended:
        call_command("verify_ledger")
    assert ended.value.code == 1
    assert "Entry 3: actor is" in capsys.readouterr().out


def test_the_command_answers_programs_in_json(history, capsys):
    call_command("verify_ledger", "--json")
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["size"], answer["root"], answer["findings"]) == (True, 5, history.root, [])
    cut(LedgerEntry, index=0)
    with pytest.raises(SystemExit):
        call_command("verify_ledger", "--json")
    assert json.loads(capsys.readouterr().out)["findings"][0]["code"] == "entry_missing"


@pytest.mark.parametrize("options", [{"against": "/does/not/exist"}, {"key": "not+a+key"}])
def test_the_command_refuses_what_it_cannot_read(db, options):
    with pytest.raises(CommandError, match="was not verified"):
        call_command("verify_ledger", **options)
