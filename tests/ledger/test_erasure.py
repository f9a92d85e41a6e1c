"""People can be forgotten; what was proven stays proven."""

import pytest
from django.db import IntegrityError, connection, models, transaction

from evaltrack.errors import NotFound
from evaltrack.ledger import checkpoints
from evaltrack.ledger.erasure import erase_names, erase_statement
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import Disclosure, LedgerEntry
from evaltrack.ledger.record import record
from evaltrack.ledger.verification import verify
from tests.ledger.cast import AT, admin, approver


def test_an_erased_statement_leaves_every_proof_valid_and_a_trace(history):
    trace = erase_statement(2, "reason", by=admin, at=AT)
    assert not Disclosure.objects.filter(entry_index=2).exists()
    assert trace.facts == {"index": 2, "statement": "reason"}
    report = verify(against=history.note)
    assert report.ok
    assert (report.statements_kept, report.statements_erased) == (4, 1)


def test_a_statement_that_is_not_there_cannot_be_erased(history):
    with pytest.raises(NotFound):
        erase_statement(2, "comment", by=admin, at=AT)
    assert LedgerEntry.objects.size() == 5


def test_a_forgotten_name_is_gone_from_all_entries_and_the_hashes_stay(history, promotion):
    record(Event.ROLE_REVOKED, by=admin, subject=approver, at=AT, facts={"role": "approver"})
    before = list(LedgerEntry.objects.leaf_hashes(6))
    trace = erase_names(approver, by=admin, at=AT)
    for entry in LedgerEntry.objects.all():
        assert "Ann" not in str(entry.names) + entry.sentence
    assert LedgerEntry.objects.get(index=0).sentence == "approver 11111111 requested " + str(promotion)
    assert trace.sentence == "Ada Admin erased personal data that stood beside user 11111111"
    assert list(LedgerEntry.objects.leaf_hashes(6)) == before
    assert verify(against=history.note).ok


def test_a_person_who_erases_her_own_name_is_not_named_by_that(history):
    assert erase_names(approver, by=approver, at=AT).names == {}


@pytest.mark.parametrize(
    "names", [{"actor": "Somebody Else"}, {"actor": "Ann Approver", "note": "x"}, {"subject": "Ann Approver"}]
)
def test_names_can_be_taken_away_and_never_changed(entry, names):
    with pytest.raises(IntegrityError, match="The ledger is"), transaction.atomic():
        models.QuerySet(LedgerEntry).update(names=names)


def test_a_name_that_was_taken_away_cannot_be_put_back(entry):
    erase_names(approver, by=admin, at=AT)
    with pytest.raises(IntegrityError, match="The ledger is"), transaction.atomic():
        models.QuerySet(LedgerEntry).filter(index=0).update(names=entry.names)


def test_nothing_else_can_change_under_the_cover_of_an_erasure(entry):
    with pytest.raises(IntegrityError, match="The ledger is"), transaction.atomic():
        models.QuerySet(LedgerEntry).update(names={}, actor_role="owner")
    assert connection.is_usable()
    assert checkpoints.issue(AT).size == 1
