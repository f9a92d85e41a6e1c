"""Does the ledger still hold what it held? Everything is computed anew from the stored bytes."""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from evaltrack.canonical import canonical_json
from evaltrack.ledger import checkpoints, merkle, notes, triggers
from evaltrack.ledger.models import PAGE, Checkpoint, Disclosure, LedgerEntry
from evaltrack.ledger.record import commitment, rfc3339
from evaltrack.ledger.report import Finding, Report

__all__ = ["Finding", "Report", "verify"]


def verify(*, against: str | None = None, public_keys: Iterable[Ed25519PublicKey] | None = None) -> Report:
    """Verify the whole ledger, and that it continues `against`, a signed note that is kept elsewhere.

    Without `public_keys` the server's own are trusted; whoever distrusts the server passes a copy.
    """
    report = Report()
    keys = checkpoints.known_keys() if public_keys is None else list(public_keys)
    # Before the entries, so that none of them covers an entry that is written meanwhile.
    issued = list(Checkpoint.objects.order_by("id"))
    held = held_note(against, keys, report) if against is not None else None
    sizes = {checkpoint.size for checkpoint in issued} | ({held.size} if held else set())

    verify_entries(sizes, report)
    verify_orphans(report)
    for checkpoint in issued:
        verify_checkpoint(checkpoint, keys, report)
    verify_growth(issued, report)
    report.checked.append(f"{len(issued)} checkpoints: signatures, and roots recomputed at their sizes")
    if held:
        verify_continues(held, report)
        report.checked.append(f"that the history continues the checkpoint at size {held.size} kept elsewhere")
    missing = triggers.missing(connection)
    if missing:
        report.find(
            "triggers_missing", f"Triggers are missing, altered or switched off: {', '.join(missing)}."
        )
    report.checked.append("the triggers that refuse changes")
    return report


def held_note(text: str, keys: list[Ed25519PublicKey], report: Report) -> notes.Body | None:
    try:
        body = notes.verify_note(text, keys)
    except notes.BadNote as error:
        report.find("held_note_unusable", f"The checkpoint kept elsewhere cannot be used: {error}")
        return None
    if body.origin != checkpoints.origin():
        report.find(
            "held_note_unusable", f"The checkpoint kept elsewhere is of another ledger: {body.origin}."
        )
        return None
    return body


def pages() -> Iterator[list[LedgerEntry]]:
    """By index instead of one long cursor, which would keep a transaction open."""
    last: int | None = None
    while True:
        rows = LedgerEntry.objects.order_by("index")
        page = list(rows[:PAGE] if last is None else rows.filter(index__gt=last)[:PAGE])
        if not page:
            return
        yield page
        last = page[-1].index


def verify_entries(sizes: set[int], report: Report) -> None:
    frontier = merkle.Frontier()
    expected = 0
    if 0 in sizes:
        report.roots[0] = frontier.root()
    for page in pages():
        disclosed: dict[int, list[Disclosure]] = {}
        for row in Disclosure.objects.filter(entry_index__range=(page[0].index, page[-1].index)):
            disclosed.setdefault(row.entry_index, []).append(row)
        for entry in page:
            if entry.index != expected:
                which = f"Entry {expected} is" if entry.index - expected == 1 else (
                    f"Entries {expected} to {entry.index - 1} are"
                )  # fmt: skip
                report.find("entry_missing", f"{which} missing.", expected)
            content = verify_entry(entry, report)
            verify_disclosures(entry, content, disclosed.get(entry.index, []), report)
            frontier.append(merkle.leaf_hash(bytes(entry.canonical)))
            expected = entry.index + 1
            if expected in sizes:
                report.roots[expected] = frontier.root()
    report.size, report.root = frontier.size, frontier.root()
    report.checked.append(f"{report.size} entries: bytes, hashes, columns, and an index without gaps")
    report.checked.append(
        f"{report.statements_kept} statements against their commitments ({report.statements_erased} erased)"
    )


def verify_entry(entry: LedgerEntry, report: Report) -> dict[str, Any]:
    """The content of the bytes, or an empty one when they cannot be read."""
    index, canonical = entry.index, bytes(entry.canonical)
    if merkle.leaf_hash(canonical).hex() != entry.leaf_hash:
        report.find("bytes_changed", f"Entry {index}: its bytes do not have the hash that is stored.", index)
    try:
        content = json.loads(canonical)
        readable = isinstance(content, dict) and canonical_json(content) == canonical
    except ValueError:
        readable = False
    if not readable:
        report.find("bytes_unreadable", f"Entry {index}: its bytes are not canonical JSON.", index)
        return {}
    columns = {
        "index": entry.index,
        "event": entry.event,
        "event_id": str(entry.event_id),
        "schema_version": entry.schema_version,
        "recorded_at": rfc3339(entry.recorded_at),
        "actor": {"id": str(entry.actor), "role": entry.actor_role},
        "subject": {"type": entry.subject_type, "id": entry.subject_id},
    }
    for name, value in columns.items():
        if content.get(name) != value:
            sentence = (
                f"Entry {index}: {name} is {content.get(name)!r} in its bytes and {value!r} in its column."
            )
            report.find("column_changed", sentence, index)
    return content


def verify_disclosures(
    entry: LedgerEntry, content: dict[str, Any], rows: list[Disclosure], report: Report
) -> None:
    statements = content.get("statements")
    committed = statements if isinstance(statements, dict) else {}
    for row in rows:
        if committed.get(row.field) != commitment(row.salt, row.value):
            sentence = f"Entry {entry.index}: its {row.field} is not the text that was committed to."
            report.find("statement_changed", sentence, entry.index)
    report.statements_kept += len(rows)
    report.statements_erased += len(committed.keys() - {row.field for row in rows})


def verify_orphans(report: Report) -> None:
    """Statements whose entries are gone: what a cut-off end leaves behind."""
    # Read before the last index, so that a statement written meanwhile has its entry.
    beyond = set(
        Disclosure.objects.filter(entry_index__gte=report.size).values_list("entry_index", flat=True)
    )
    size = LedgerEntry.objects.size()
    for index in sorted(index for index in beyond if index >= size):
        report.find(
            "entry_missing", f"Entry {index} is missing: a statement that belongs to it exists.", index
        )


def verify_checkpoint(checkpoint: Checkpoint, keys: list[Ed25519PublicKey], report: Report) -> None:
    name = f"The checkpoint of {rfc3339(checkpoint.issued_at)} at size {checkpoint.size}"
    try:
        body = notes.verify_note(checkpoint.note, keys)
    except notes.BadNote as error:
        report.find("checkpoint_changed", f"{name} is not sound: {error}")
        return
    if (body.origin, body.size, body.root.hex()) != (checkpoints.origin(), checkpoint.size, checkpoint.root):
        report.find("checkpoint_changed", f"{name} differs from the note that was signed.")
    elif body.size not in report.roots:
        report.find("history_cut", f"{name} covers more entries than there are: {report.size}.")
    elif report.roots[body.size] != body.root:
        report.find("history_changed", f"{name} signed another root than these entries have.")


def verify_growth(issued: list[Checkpoint], report: Report) -> None:
    for earlier, later in pairwise(issued):
        if later.size < earlier.size:
            sentence = f"A checkpoint at size {later.size} was issued after one at size {earlier.size}."
            report.find("checkpoint_changed", sentence)


def verify_continues(held: notes.Body, report: Report) -> None:
    if held.size not in report.roots:
        report.find(
            "history_cut",
            f"The checkpoint kept elsewhere covers {held.size} entries, but the ledger has {report.size}: "
            "it was cut off, or an older state was restored.",
        )
    elif report.roots[held.size] != held.root:
        report.find(
            "history_changed",
            f"The first {held.size} entries do not have the root of the checkpoint kept elsewhere: "
            "at least one of them was changed after it was signed.",
        )
