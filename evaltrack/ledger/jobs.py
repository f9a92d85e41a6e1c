"""What workers run: sign the ledger's state, prove that it is whole."""

import logging

from django.db import transaction

from evaltrack import clock
from evaltrack.ledger import checkpoints, verification
from evaltrack.ledger.events import Event
from evaltrack.ledger.identity import SYSTEM
from evaltrack.ledger.models import Checkpoint, LedgerEntry
from evaltrack.ledger.record import record

log = logging.getLogger(__name__)


def sign() -> None:
    """Issue a checkpoint where entries were added since the last, and one a day in any case."""
    newest = Checkpoint.objects.order_by("-size", "-pk").first()
    at = clock.now()
    if newest and newest.size == LedgerEntry.objects.size() and (at - newest.issued_at).days < 1:
        return
    with transaction.atomic():
        checkpoints.issue(at)


def verify() -> None:
    """Recompute everything; what is found broken is logged as an error and becomes an entry itself."""
    report = verification.verify()
    if report.ok:
        return
    newest = LedgerEntry.objects.order_by("-index").first()
    log.error("the ledger is broken: %s", "; ".join(str(finding) for finding in report.findings))
    if newest is not None:
        with transaction.atomic():
            record(
                Event.INTEGRITY_CHECK_FAILED,
                by=SYSTEM,
                subject=newest,
                facts={"findings": len(report.findings)},
                at=clock.now(),
            )
