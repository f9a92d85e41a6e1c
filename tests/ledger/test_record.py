"""What an entry holds, what is refused, and that there is never a gap."""

import datetime as dt
import hashlib
import json
import threading
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection, connections, transaction
from django.db.transaction import TransactionManagementError
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.canonical import canonical_json
from evaltrack.errors import Conflict, Invalid
from evaltrack.ledger import checkpoints, merkle
from evaltrack.ledger.events import REQUIRED_FACTS, SENTENCES, Event
from evaltrack.ledger.facts import Unwritable, checked_facts
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.models import Disclosure, LedgerEntry
from evaltrack.ledger.record import record
from evaltrack.ledger.verification import verify
from tests.ledger.cast import AT, Person, Promotion, admin, approver


def request_promotion(**changes):
    return record(
        **{"event": Event.PROMOTION_REQUESTED, "by": approver, "subject": Promotion(), "at": AT, **changes}
    )


def test_the_hashed_bytes_are_canonical_json_of_everything_but_names(entry, promotion):
    disclosure = Disclosure.objects.get()
    stored = LedgerEntry.objects.get()
    commitment = hashlib.sha256(bytes(disclosure.salt) + b"Ann looked at every slice.").hexdigest()
    assert stored.content == {
        "schema_version": 1,
        "index": 0,
        "event": "promotion_approved",
        "event_id": str(entry.event_id),
        "recorded_at": "2026-11-22T09:30:00.123456Z",
        "actor": {"id": str(approver.public_id), "role": "approver"},
        "subject": {"type": "experiments.promotionrequest", "id": str(promotion.public_id)},
        "facts": {"decision_digest": "ab" * 32},
        "statements": {"reason": commitment},
    }
    assert bytes(stored.canonical) == canonical_json(stored.content)
    assert stored.leaf_hash == hashlib.sha256(b"\0" + bytes(stored.canonical)).hexdigest()
    assert stored.event_id.version == 4


def test_no_personal_data_stands_in_the_hashed_bytes(db):
    person = Person(uuid4(), "Zoë Quixote", "owner")
    entry = record(
        Event.ROLE_GRANTED,
        by=admin,
        subject=person,
        at=AT,
        facts={"role": "owner"},
        statements={"reason": "Zoë leads the team now, zoë@example.org"},
    )
    written = bytes(entry.canonical).decode()
    for personal in ["Zoë", "Quixote", "Ada", "Admin", "@", "leads the team"]:
        assert personal not in written
    assert entry.names == {"actor": "Ada Admin", "subject": "Zoë Quixote <zoë@example.org>"}


def test_equal_statements_have_different_commitments(db):
    first, second = (request_promotion(statements={"reason": "fine"}) for _ in range(2))
    assert first.content["statements"] != second.content["statements"]


def test_times_of_any_zone_are_written_in_utc(db):
    tokyo = dt.timezone(dt.timedelta(hours=9))
    entry = request_promotion(at=dt.datetime(2026, 11, 22, 8, 0, tzinfo=tokyo))
    assert entry.content["recorded_at"] == "2026-11-21T23:00:00.000000Z"
    assert verify().ok


def test_what_workers_do_by_themselves_is_done_by_the_system(db):
    entry = request_promotion(by=SYSTEM)
    assert (entry.actor, entry.actor_role, entry.actor_name) == (SYSTEM.uuid, "system", "evaltrack")


def test_an_entry_outside_a_transaction_is_refused(transactional_db):
    with pytest.raises(TransactionManagementError, match="outside a transaction"):
        request_promotion()
    assert not LedgerEntry.objects.exists()


def test_a_rollback_leaves_no_gap(db):
    request_promotion()
    before = transaction.savepoint()
    assert request_promotion(statements={"reason": "never"}).index == 1
    transaction.savepoint_rollback(before)
    assert request_promotion().index == 1
    assert not Disclosure.objects.exists()
    assert verify().ok


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"delta": float("nan")}, "facts.delta is nan; only finite numbers"),
        ({"limits": [0.0, float("inf")]}, r"facts.limits\[1\] is inf"),
        ({"tokens": 2**53}, "beyond 2\\^53 as text"),
        ({"tokens": 9007199254745002.0}, "beyond 2\\^53 as text"),
        ({"at": AT}, "facts.at is a datetime; write it as text"),
        ({"id": uuid4()}, "facts.id is a UUID; write it as text"),
        ({"nested": {1: "x"}}, "facts.nested has the key 1; keys are text"),
        ({"output": "\ud800"}, "not valid Unicode"),
        ({"by": "ann@example.org"}, "facts.by holds an e-mail address"),
        ({"ann@example.org": 1}, "a key of facts holds an e-mail address"),
        (["reason"], "give a dict"),
    ],
)
def test_facts_that_cannot_or_must_not_be_hashed_are_refused(db, facts, says):
    with pytest.raises(Unwritable, match=says):
        request_promotion(facts=facts)
    assert not LedgerEntry.objects.exists()


def test_the_address_of_a_repository_is_no_e_mail_address():
    facts = {
        "repository": "git@github.com:acme/bot.git",
        "image": "registry/bot@sha256:" + "a" * 64,
        "metric": "recall@10",
        "package": "bot@1.2.0",
    }
    assert checked_facts(facts) == facts


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="@"))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53) + 1, 2.0**53 - 1)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@given(st.dictionaries(st.text("abc"), json_values, max_size=4))
def test_facts_that_are_accepted_can_be_hashed_and_read_back(facts):
    written = canonical_json(checked_facts(facts))
    assert canonical_json(json.loads(written)) == written


def test_a_subject_without_a_public_id_is_refused(db):
    with pytest.raises(Unwritable, match="no public_id"):
        request_promotion(subject=SimpleNamespace())


def test_a_name_in_the_place_of_a_role_is_refused(db):
    with pytest.raises(Unwritable, match="lower-case word"):
        request_promotion(by=Person(uuid4(), "Ann", "Ann Approver"))


def test_a_time_without_a_zone_is_refused(db):
    with pytest.raises(Unwritable, match="without a time zone"):
        request_promotion(at=AT.replace(tzinfo=None))


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_a_statement_that_cannot_be_stored_is_the_typists_error(db, text):
    with pytest.raises(Invalid) as refused:
        request_promotion(statements={"reason": text})
    assert list(refused.value.fields) == ["reason"]


@pytest.mark.parametrize("event", REQUIRED_FACTS)
def test_an_entry_without_the_facts_that_it_is_about_is_refused(db, event):
    with pytest.raises(Unwritable, match="needs the facts"):
        request_promotion(event=event)


@pytest.mark.parametrize("event", Event)
def test_every_event_has_a_sentence_that_its_facts_fill(db, event):
    entry = request_promotion(event=event, facts=dict.fromkeys(event.required_facts, "x"))
    assert event in SENTENCES
    assert "Ann Approver" in entry.sentence
    assert "the promotion of Summariser 3" in entry.sentence
    assert "{" not in entry.sentence


def test_an_unknown_event_is_refused_by_program_and_database(db, entry):
    with pytest.raises(ValueError, match="task_escalated"):
        request_promotion(event="task_escalated")
    unknown = LedgerEntry.objects.get()
    unknown.index, unknown.event_id, unknown.event, unknown._state.adding = 1, uuid4(), "claimed", True
    with pytest.raises(Conflict), transaction.atomic():
        unknown.save()


def test_what_happened_to_one_thing_reads_from_old_to_new(db, promotion):
    request_promotion(subject=promotion)
    request_promotion()
    request_promotion(event=Event.PROMOTION_APPROVED, subject=promotion)
    about = LedgerEntry.objects.about("experiments.promotionrequest", promotion.public_id)
    assert [entry.sentence for entry in about] == [
        "Ann Approver requested the promotion of Summariser 3",
        "Ann Approver approved the promotion of Summariser 3",
    ]


def test_each_entry_can_be_proven_without_showing_another(history):
    leaves = list(LedgerEntry.objects.leaf_hashes(history.size))
    entry = LedgerEntry.objects.get(index=2)
    proof = merkle.inclusion_proof(2, leaves)
    leaf = merkle.leaf_hash(bytes(entry.canonical))
    assert merkle.verify_inclusion(leaf, 2, history.size, proof, bytes.fromhex(history.root))


def write_together(writers: int, each: int) -> None:
    """Threads that all start at once; every third act fails after its entry and is rolled back.

    Each also issues checkpoints and verifies meanwhile, which must neither fail nor accuse anybody.
    """
    start = threading.Barrier(writers)
    failed: list[BaseException] = []

    def write() -> None:
        try:
            start.wait()
            for number in range(each):
                try:
                    with transaction.atomic():
                        request_promotion()
                        if number % 3 == 0:
                            raise ZeroDivisionError
                except ZeroDivisionError:
                    checkpoints.issue(AT)
                    assert verify().findings == []
        except BaseException as error:  # noqa: BLE001 the thread's failure is the test's
            failed.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.postgresql
def test_writers_at_the_same_time_leave_no_gap_on_postgresql(transactional_db):
    if connection.vendor != "postgresql":
        pytest.skip("Many writers at once exist on PostgreSQL only; set DATABASE_URL.")
    write_together(writers=8, each=15)
    assert list(LedgerEntry.objects.values_list("index", flat=True)) == list(range(8 * 10))
    assert verify().ok


def test_writers_that_queue_leave_no_gap_on_sqlite(transactional_db):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's writers are tested above.")
    write_together(writers=4, each=6)
    assert list(LedgerEntry.objects.values_list("index", flat=True)) == list(range(4 * 4))
    assert verify().ok
