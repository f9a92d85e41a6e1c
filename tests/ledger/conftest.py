"""The ledger's cast: somebody who acts, things that are acted on, and a key of each test's own."""

import pytest

from evaltrack.ledger import checkpoints
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from tests.ledger.append_only import flush_lifts_ledger_triggers  # noqa: F401
from tests.ledger.cast import AT, Promotion, approver


@pytest.fixture(autouse=True)
def own_key(settings, tmp_path):
    settings.LEDGER_KEY_FILE = tmp_path / "keys" / "ledger-key.pem"
    settings.LEDGER_ORIGIN = "evaltrack.example/ledger"
    return settings.LEDGER_KEY_FILE


@pytest.fixture
def promotion():
    return Promotion()


@pytest.fixture
def entry(db, promotion):
    return record(
        Event.PROMOTION_APPROVED,
        by=approver,
        subject=promotion,
        at=AT,
        facts={"decision_digest": "ab" * 32},
        statements={"reason": "Ann looked at every slice."},
    )


@pytest.fixture
def history(db, promotion):
    """Five entries with a statement each, and a checkpoint after the third and the last."""
    for number in range(5):
        record(
            Event.PROMOTION_REQUESTED,
            by=approver,
            subject=promotion,
            at=AT,
            facts={"number": number},
            statements={"reason": f"reason {number}"},
        )
        if number in {2, 4}:
            checkpoints.issue(AT)
    return checkpoints.Checkpoint.objects.order_by("-id").first()
