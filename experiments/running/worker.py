"""One worker's loop: it asks for outputs of several experiments at a time, and ends those that have all of theirs.

Calls run beside the loop, in one event loop; it claims, starts, gathers, writes. No transaction spans a call.
"""

import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from django.conf import settings

from datasets.shelf import Shelf
from evaltrack import clock
from evaltrack.errors import Conflict, ExpectedError, Unavailable
from evaltrack.integrations.model_api import Answer, CallFailed, ModelCaller
from experiments import conclusion, lifecycle
from experiments.judging import layout
from experiments.models import Experiment, ExperimentStatus, OutputState
from experiments.running import claims, opening, outages, pacing, planning
from experiments.running.collection import Collection
from experiments.running.paces import Key, Paces
from experiments.running.urgency import urgency
from experiments.uploading import waiting

log = logging.getLogger(__name__)

# How often to look which experiments are due.
LOOK_SECONDS = 0.2
# How long what is in flight may take to be written down while a plan is laid out or a verdict computed.
ABSENT_SECONDS = 300


class Worker:
    """Use as a context manager; leaving it gives back what was claimed and not answered."""

    def __init__(self) -> None:
        self.token = uuid.uuid4()
        self.caller = ModelCaller(private=settings.PRIVATE_ADDRESSES)
        self.paces = Paces(self.caller, self.token)
        self.shelf = Shelf()
        self.open: dict[int, Collection] = {}
        self.came_forward = False
        self.looked = self.renewed = 0.0

    def __enter__(self) -> Self:
        self.caller.__enter__()
        self.renewed = time.monotonic()
        return self

    def __exit__(self, *exception: object) -> None:
        self.caller.__exit__(*exception)
        for each in self.open.values():
            claims.release_all(each.experiment, token=self.token)
        pacing.give_back(self.token)

    def work(self, deadline: float) -> bool:
        """Go on until nothing can be claimed and nothing is in flight; whether any experiment came forward."""
        self.came_forward, self.looked = False, 0.0
        for each in self.open.values():
            # Where there was nothing a moment ago there may be what a dead worker held, and has been taken from it.
            each.try_again.clear()
        while True:
            in_time = time.monotonic() < deadline
            if in_time:
                self.look_what_is_due()
                self.paces.look()
                self.leave_closed(until=deadline)
                self.fill()
            else:
                self.withdraw(list(self.open.values()))
            if self.caller.in_flight:
                self.settle(self.paces.gather(timeout_s=LOOK_SECONDS))
                self.renew_when_due()
            self.end_what_has_ended(in_time=in_time)
            if not self.caller.in_flight and not (in_time and self.goes_on()):
                return self.came_forward
            if time.monotonic() > deadline + settings.DRAIN_SECONDS / 2:
                return self.came_forward  # calls that hang: whoever comes next asks again

    def goes_on(self) -> bool:
        """Whether something may be claimed in a moment; waits a little where others have to give way first,
        or an endpoint may not be asked again yet."""
        asking = [each for each in self.open.values() if each.may_claim]
        paces = [self.paces.of[endpoint] for each in asking for endpoint in each.claimable]
        if any(pace.room for pace in paces):
            return True
        has_to_wait = any(pace.waits_for_share for pace in paces) or any(
            each.waits_for_retries for each in self.open.values() if not each.is_closing
        )
        if has_to_wait:
            time.sleep(LOOK_SECONDS)
        return has_to_wait

    # Which experiments

    def look_what_is_due(self) -> None:
        """Take up what is due, and ask nothing more for what is not."""
        if time.monotonic() - self.looked < LOOK_SECONDS:
            return
        self.looked = time.monotonic()
        due = set(Experiment.objects.due(clock.now()).values_list("pk", flat=True))
        gone = [each for pk, each in self.open.items() if pk not in due]
        for each in gone:
            each.is_closing = True
        self.withdraw(gone)
        if new := due - set(self.open):
            rows = Experiment.objects.filter(pk__in=new).with_names().order_by("submitted_at")
            for experiment in sorted(rows, key=urgency):
                with self.guarding(experiment):
                    self.take_up(experiment)

    def take_up(self, experiment: Experiment) -> None:
        if not experiment.runs.exists():
            self.hold_what_is_in_flight()
            planning.start(experiment, at=clock.now(), shelf=self.shelf)
        if self.waits_for_somebody(experiment):
            return
        if experiment.status == ExperimentStatus.WAITING:
            lifecycle.EXPERIMENT.advance(
                experiment, to=ExperimentStatus.RUNNING, reason="", next_attempt_at=None
            )
        if experiment.outputs.are_done():
            self.judge_or_conclude(experiment)
        asks = experiment.outputs.one_by_one().filter(state=OutputState.OPEN)
        if experiment.pk not in self.open and asks.exists():
            self.open[experiment.pk] = opening.opened(
                experiment, self.token, at=clock.now(), shelf=self.shelf
            )
            self.set_paces()

    def waits_for_somebody(self, experiment: Experiment) -> bool:
        """Whether all that is left are outputs that somebody has to bring."""
        if not experiment.outputs.asked_for().are_done():
            return False
        if awaited := waiting.awaited(experiment):
            waiting.wait(experiment, awaited, at=clock.now())
        return bool(awaited)

    def judge_or_conclude(self, experiment: Experiment) -> None:
        """What judges are asked is laid out when everything has been answered; the rest is as with answers."""
        self.hold_what_is_in_flight()
        if layout.lay_out(experiment, at=clock.now(), shelf=self.shelf):
            self.came_forward = True
        elif experiment.outputs.are_done():
            # Not so where another worker has just laid it out.
            self.conclude(experiment)

    def conclude(self, experiment: Experiment) -> None:
        # Booked before it is tried: a worker that dies while it computes must not take it up first for ever.
        if outages.book(experiment, at=clock.now()):
            # Another worker may have started it after it was read here.
            experiment.refresh_from_db(fields=["status"])
            conclusion.conclude(experiment, at=clock.now(), shelf=self.shelf)
            self.came_forward = True

    def hold_what_is_in_flight(self) -> None:
        """Before something that may take long, in which nothing is looked at, gathered or renewed."""
        if self.caller.in_flight:
            claims.renew(self.token, at=clock.now(), for_s=ABSENT_SECONDS)
            pacing.keep(self.token, at=clock.now(), for_s=ABSENT_SECONDS)

    def end_what_has_ended(self, *, in_time: bool) -> None:
        """Of what has nothing in flight: tell outages, conclude what has all its outputs, close what was dropped.

        What failed when time was up counts like what failed before: calls that hang for as long as a drain lasts
        would be forgotten each time, and made again without end.
        """
        for each in [each for each in self.open.values() if not each.held]:
            if each.is_closing:
                self.close(each)
            elif each.is_outage or each.is_empty or (each.failing and not in_time):
                each.is_empty = False
                with self.guarding(each.experiment):
                    each.end_of_failures(at=clock.now())
                    if each.experiment.status == ExperimentStatus.WAITING:
                        each.is_closing = True
                    elif self.waits_for_somebody(each.experiment):
                        self.close(each)
                    elif each.experiment.outputs.are_done():
                        self.close(each)
                        self.judge_or_conclude(each.experiment)

    def close(self, each: Collection) -> None:
        if self.open.pop(each.experiment.pk, None) is None:
            return
        claims.release_all(each.experiment, token=self.token)
        self.set_paces()

    def set_paces(self) -> None:
        self.paces.ask_only(
            (endpoint, each.asked[run])
            for each in self.open.values()
            for run, endpoint in each.endpoint_of.items()
        )

    @contextmanager
    def guarding(self, experiment: Experiment) -> Iterator[None]:
        """What goes wrong with one experiment must not keep the others from their turn."""
        try:
            try:
                yield
                return
            except Unavailable as outage:
                outages.wait_for_store(experiment, outage.reason, at=clock.now())
            except Conflict as conflict:
                # As a rule another worker was faster with the same step; anything else must not go unseen.
                log.info("%s: %s", experiment, conflict.reason)
            except ExpectedError as error:
                outages.give_up(experiment, error.reason, at=clock.now())
        except Exception as error:
            log.exception("%s: this step failed and will be tried again", experiment)
            outages.postpone(experiment, f"{type(error).__name__}: {error}", at=clock.now())
        if each := self.open.get(experiment.pk):
            each.is_closing = True
            self.withdraw([each])

    # Claim, start, gather, write

    def fill(self) -> None:
        """Claim what the endpoints have room for: the more urgent lane first, components in turn."""
        ready = [each for each in self.open.values() if each.may_claim]
        ready.sort(key=lambda each: (urgency(each.experiment), self.held_of(each)))
        for place, each in enumerate(ready):
            rivals = sum(urgency(other.experiment) == urgency(each.experiment) for other in ready[place:])
            room = self.paces.room(each.claimable, among=rivals)
            if any(room.values()):
                with self.guarding(each.experiment):
                    before = each.reused
                    for claimed, question in each.claim(room, at=clock.now()):
                        self.paces.start(self.key(each, claimed.id), question)
                    self.came_forward |= each.reused > before

    def held_of(self, each: Collection) -> int:
        """How much this worker holds of the experiment's component."""
        component = each.experiment.component_id
        return sum(
            len(other.held) for other in self.open.values() if other.experiment.component_id == component
        )

    def key(self, each: Collection, output_id: int) -> Key:
        return each.endpoint_of[each.held[output_id].claimed.run_id], each.experiment.pk, output_id

    def withdraw(self, several: list[Collection], *, at: set[int] | None = None) -> None:
        """Give back what has not been asked, `at` some endpoints or all."""
        keys = {self.key(each, output_id) for each in several for output_id in each.held}
        if at is not None:
            keys = {key for key in keys if key[0] in at}
        if not keys:
            return
        unasked: dict[int, list[int]] = defaultdict(list)
        for _, experiment, output_id in self.paces.withdraw(keys):
            unasked[experiment].append(output_id)
        for experiment, output_ids in unasked.items():
            self.open[experiment].release(output_ids)

    def leave_closed(self, *, until: float) -> None:
        """Give back what waits where it stays closed for longer than there is time: others need the worker."""
        closed = self.paces.closed_beyond(until)
        if closed:
            self.withdraw(
                [each for each in self.open.values() if closed & set(each.endpoint_of.values())], at=closed
            )

    def settle(self, finished: list[tuple[Key, Answer | CallFailed]]) -> None:
        by_experiment: dict[int, list[tuple[int, Answer | CallFailed]]] = defaultdict(list)
        for (_, experiment, output_id), result in finished:
            by_experiment[experiment].append((output_id, result))
        for pk, results in by_experiment.items():
            if each := self.open.get(pk):
                with self.guarding(each.experiment):
                    self.came_forward |= each.settle(results, at=clock.now()) > 0
                if each.is_outage:
                    self.withdraw([each])
        self.paces.written(key for key, _ in finished)

    def renew_when_due(self) -> None:
        if time.monotonic() - self.renewed > settings.LEASE_SECONDS / 3:
            claims.renew(self.token, at=clock.now())
            self.renewed = time.monotonic()
