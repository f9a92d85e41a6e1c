"""Act: take in outputs that were collected elsewhere, all lines of a body or none."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import transaction

from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, refuse_if
from evaltrack.fields import WrongField
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError, read_object
from experiments import policies
from experiments.models import Outcome, Output, OutputState, Run
from experiments.uploading.lines import Brought, brought
from experiments.uploading.runs import locked, refuse_ended

# Both bound the memory that a body takes, however long it is and its lines are.
MOST_LINES_AT_ONCE = 500
MOST_BYTES_AT_ONCE = 4 * 1024 * 1024

Numbered = tuple[int, bytes]


@transaction.atomic
def take(run: Run, lines: Iterable[bytes], *, by: User, at: dt.datetime) -> tuple[int, int]:
    """How many outputs were new, and how many were here already, the same in every field.

    An output never changes: a line that says something else than what is here is refused, as is every other bad
    line, each with its number and field; then nothing of the body is kept.
    """
    run = locked(run)
    refuse_if(policies.changing(by, run.experiment.component))
    refuse_ended(run.experiment)
    intake = Intake(run, at=at)
    count = number = 0
    for batch in batches(lines):
        count += intake.take(batch)
        number = batch[-1][0]
        if len(intake.errors) >= MOST_ERRORS:
            break
    if not count and not intake.errors:
        intake.errors.append(
            LineError(max(number, 1), "", "there is no output; write one JSON object a line")
        )
    if intake.errors:
        raise BrokenLines(intake.errors[:MOST_ERRORS]).as_invalid()
    return intake.new, intake.known


def batches(lines: Iterable[bytes]) -> Iterator[list[Numbered]]:
    batch: list[Numbered] = []
    size = 0
    for number, raw in enumerate(lines, start=1):
        batch.append((number, raw))
        size += len(raw)
        if len(batch) >= MOST_LINES_AT_ONCE or size >= MOST_BYTES_AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Intake:
    """One body on its way into a run: what was written of it, and what is wrong with it."""

    def __init__(self, run: Run, *, at: dt.datetime) -> None:
        self.run, self.at = run, at
        # Ids alone, a hundred bytes each; texts are read by the batch.
        self.outputs = dict(run.outputs.values_list("example_id", "pk"))
        self.errors: list[LineError] = []
        self.new = self.known = 0

    def take(self, batch: list[Numbered]) -> int:
        """How many lines the batch has that are not empty. Nothing more is written once a line was bad."""
        read = [(number, raw) for number, raw in batch if raw.strip()]
        rows = [(number, row) for number, raw in read if (row := self.row_of(number, raw)) is not None]
        stored = self.stored([row for _, row in rows])
        fresh: dict[int, Brought] = {}
        for number, row in rows:
            output_id = self.outputs[row.example]
            before = stored.get(output_id) or (fresh[output_id].columns() if output_id in fresh else None)
            if before is None:
                fresh[output_id] = row
            elif field := difference(row, before):
                self.errors.append(
                    LineError(number, field, f"{row.example!r} has another one here; outputs never change")
                )
            else:
                self.known += 1
        self.errors.sort(key=lambda error: error.line)
        if not self.errors:
            self.write(fresh)
        return len(read)

    def row_of(self, number: int, raw: bytes) -> Brought | None:
        """The row of a line, or None where something is wrong with it."""
        try:
            row = brought(read_object(raw)[0])
            if row.example not in self.outputs:
                raise WrongField("example", self.unknown(row.example))
        except WrongField as wrong:
            self.errors.append(LineError(number, wrong.field, wrong.reason))
        except ValueError as error:
            self.errors.append(LineError(number, "", str(error)))
        else:
            return row
        return None

    def unknown(self, example: str) -> str:
        experiment = self.run.experiment
        return (
            f"{example!r} is none of the {len(self.outputs):,} examples that {experiment} asks "
            f"({experiment.tier} tier of {experiment.dataset_version})"
        )

    def stored(self, rows: list[Brought]) -> dict[int, dict[str, Any]]:
        """The outputs of these rows that are here already, by their id."""
        found = Output.objects.filter(
            pk__in={self.outputs[row.example] for row in rows}, state=OutputState.DONE
        )
        return {output.pop("pk"): output for output in found.values("pk", *Brought("").columns())}

    def write(self, fresh: dict[int, Brought]) -> None:
        for output_id, row in fresh.items():
            written = Output.objects.filter(pk=output_id, state=OutputState.OPEN).update(
                state=OutputState.DONE,
                outcome=Outcome.TARGET_ERROR if row.error else Outcome.ANSWERED,
                finished_at=self.at,
                **row.columns(),
            )
            if not written:
                raise Conflict(
                    "changed_meanwhile", "This run was changed by somebody else. Send the body again."
                )
        self.new += len(fresh)


def difference(row: Brought, before: dict[str, Any]) -> str:
    """The first field in which a line differs from what is here, by the line's name for it; empty where none does."""
    changed = next((name for name, value in row.columns().items() if value != before[name]), "")
    return {"text": "output"}.get(changed, changed)
