"""Act: bring batches forward, a step each: upload, create, look, take what was answered.

Each step is written down before the next, and a worker may die at any line. Only creating must not happen twice: so
it is asked first whether a batch was made of the file, which is uploaded for this batch alone.
"""

import datetime as dt
import json
import logging
import random
import tempfile
import uuid
from typing import IO

from django.conf import settings

from datasets import versions
from datasets.spool import Spool
from evaltrack import clock
from evaltrack.bulk import update_rows
from evaltrack.canonical import digest
from evaltrack.errors import Unavailable
from evaltrack.integrations.batch_api import BatchApi, Exchanges, NotDone, id_of
from evaltrack.integrations.model_api import Failure, Header, storable
from experiments import policies, targets
from experiments.batches import results, rows
from experiments.models import Batch, BatchState, Experiment, Output
from experiments.targets.batch import ENDPOINT, BatchTarget

log = logging.getLogger(__name__)

EVERY = dt.timedelta(seconds=60)
LONGEST_WAIT_S = 600
# How often an endpoint may say no when it is asked for a batch that it has; the better part of an hour.
MOST_REFUSED = 10
GOES_ON = {"validating", "in_progress", "finalizing", "cancelling"}


def look_at_all() -> None:
    """Prepare what is open, then bring every batch that is due forward."""
    rows.prepare_all(at=clock.now())
    due = Batch.objects.exclude(state=BatchState.ENDED).filter(next_look_at__lte=clock.now())
    batches = list(
        due.select_related("run__version", "run__experiment__dataset_version__dataset").order_by(
            "next_look_at"
        )
    )
    if not batches:
        return
    with Exchanges(private=settings.PRIVATE_ADDRESSES) as pool:
        for batch in batches:
            if token := rows.take(batch, at=clock.now()):
                step(pool, batch, token)


def step(pool: Exchanges, batch: Batch, token: uuid.UUID) -> None:
    """One batch's turn. What nobody foresaw must not keep the other batches from theirs."""
    try:
        Look(pool, batch, token).go()
    except NotDone as problem:
        at = clock.now()
        if problem.failure == Failure.REJECTED and not may_be_heard(batch):
            give_up(batch, token, f"{problem.failure}: {problem.detail}", at=at)
        else:
            postpone(batch, token, problem.detail, at=at)
    except Unavailable as outage:
        postpone(batch, token, outage.reason, at=clock.now())
    except Exception as error:
        log.exception("%s: this step failed and will be tried again", batch)
        postpone(batch, token, f"{type(error).__name__}: {error}", at=clock.now())


def may_be_heard(batch: Batch) -> bool:
    """What is sent is paid for: a key that was changed, or a list that is late, must not have it thrown away."""
    return batch.state == BatchState.SENT and batch.failed_looks < MOST_REFUSED


def give_up(batch: Batch, token: uuid.UUID, error: str, *, at: dt.datetime) -> None:
    """The endpoint says no, and would say it again."""
    rows.end(batch, token, detail=error, error=error, most_attempts=0, at=at)


def postpone(batch: Batch, token: uuid.UUID, problem: str, *, at: dt.datetime) -> None:
    failed = batch.failed_looks + 1
    seconds = random.uniform(0.5, 1) * min(5 * 2.0**failed, LONGEST_WAIT_S)
    rows.let_go(
        batch,
        token,
        next_look_at=at + dt.timedelta(seconds=seconds),
        failed_looks=failed,
        detail=storable(problem)[:500],
    )


class Look:
    """One worker's look at one batch."""

    def __init__(self, pool: Exchanges, batch: Batch, token: uuid.UUID) -> None:
        self.batch, self.token = batch, token
        target = targets.parse(batch.run.version.configuration)
        assert isinstance(target, BatchTarget)
        self.target = target
        key = (Header("Authorization", "Bearer ", env=target.api_key_env),) if target.api_key_env else ()
        self.api = BatchApi(pool, target.base_url, key, min(target.timeout_ms, 120_000))

    def go(self) -> None:
        if refusal := policies.asking(self.target):
            give_up(self.batch, self.token, refusal.reason, at=clock.now())
            return
        if not Experiment.objects.in_progress().filter(pk=self.batch.run.experiment_id).exists():
            self.withdraw()
            return
        if self.batch.state == BatchState.PREPARED and not self.upload():
            return
        if self.batch.state == BatchState.UPLOADED and not self.create():
            return
        self.look()

    def upload(self) -> bool:
        with tempfile.TemporaryFile(prefix="evaltrack-batch-") as file:
            if not self.written(file):
                rows.end(
                    self.batch, self.token, detail="nothing of it could be asked", error="", most_attempts=1,
                    at=clock.now(),
                )  # fmt: skip
                return False
            file_id = self.api.upload(file)
        return rows.change(self.batch, self.token, state=BatchState.UPLOADED, file_id=file_id)

    def written(self, file: IO[bytes]) -> int:
        """Write the requests, a line each; how many. What cannot be asked ends here."""
        count, digests = 0, []
        at = clock.now()
        bound = Output.objects.filter(lease_token=self.batch.key).order_by("order")
        with Spool(versions.stream(self.batch.run.experiment.dataset_version)) as examples:
            for pk, position in bound.values_list("pk", "position"):
                try:
                    body = self.target.body(examples[position].input)
                except KeyError as missing:
                    said = f"{Failure.REJECTED}: the prompt names {missing}, which the example lacks"
                    rows.fail(self.batch, pk, said, at=at)
                    continue
                file.write(json.dumps(self.target.line(str(pk), body)).encode() + b"\n")
                digests.append((pk, digest(body)))
                count += 1
        for start in range(0, len(digests), 500):
            update_rows(
                Output,
                ("id", "request_digest"),
                digests[start : start + 500],
                also={"lease_token": self.batch.key},
                where={"lease_token": self.batch.key},
            )
        return count

    def create(self) -> bool:
        made = self.api.made_of(self.batch.file_id)
        if made is None:
            # Whoever was stopped for longer than its lease must not go on as if it held it.
            if not Batch.objects.filter(
                pk=self.batch.pk, lease_token=self.token, lease_until__gt=clock.now() + rows.LOOK_FOR / 2
            ).exists():
                return False
            made = self.api.create(
                self.batch.file_id,
                endpoint=ENDPOINT,
                window=self.target.completion_window,
                key=str(self.batch.key),
            )
        return rows.change(self.batch, self.token, state=BatchState.SENT, remote_id=id_of(made))

    def look(self) -> None:
        found = self.api.look(self.batch.remote_id)
        status, at = storable(str(found.get("status")))[:40], clock.now()
        if status in GOES_ON:
            rows.let_go(
                self.batch,
                self.token,
                next_look_at=at + EVERY,
                remote_status=status,
                failed_looks=0,
                detail="",
            )
            return
        answered = sum(
            self.take(found[name]) for name in ("output_file_id", "error_file_id") if found.get(name)
        )
        rows.change(self.batch, self.token, remote_status=status)
        told = f"{status}: {answered:,} of {self.batch.requests:,} were answered"
        if status == "failed":
            why = storable(json.dumps(found.get("errors")))[:300]
            give_up(self.batch, self.token, f"{Failure.REJECTED}: the batch failed: {why}", at=clock.now())
            return
        # One that somebody cancelled at the endpoint is not asked again behind their back.
        most = 0 if status in {"cancelled", "cancelling"} else rows.MOST_ATTEMPTS
        error = f"{Failure.BROKEN}: the batch is {status} there, without an answer to this"
        rows.end(self.batch, self.token, detail=told, error=error, most_attempts=most, at=clock.now())

    def take(self, file_id: object) -> int:
        with self.api.download(id_of({"id": file_id})) as file:
            return results.take(self.batch, self.api.rows(file), at=clock.now())

    def withdraw(self) -> None:
        """The experiment has ended without it: nothing more is to be paid for."""
        if self.batch.state == BatchState.UPLOADED and (made := self.api.made_of(self.batch.file_id)):
            rows.change(self.batch, self.token, state=BatchState.SENT, remote_id=id_of(made))
        if self.batch.state == BatchState.SENT:
            try:
                self.api.cancel(self.batch.remote_id)
            except NotDone as problem:
                # What has ended, or is not known any more, cannot be cancelled and costs nothing further.
                if problem.failure != Failure.REJECTED:
                    raise
        rows.end(
            self.batch, self.token, detail="withdrawn: the experiment ended", error="", most_attempts=1_000_000,
            at=clock.now(),
        )  # fmt: skip
