"""Act: drain the work of experiments, resuming whatever is there.

A call of `drain` works for at most a minute and may be killed at any line; calling it again, anywhere, goes
on where the rows say. Two drains at once share the work.
"""

import datetime as dt
import logging
import time
import uuid
from dataclasses import dataclass, field

from django.conf import settings
from django.db.models import Max

from datasets import versions
from datasets.examples import Example
from evaltrack import clock
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, ExpectedError, Unavailable
from evaltrack.integrations.model_api import Answer, CallFailed, Failure, ModelCaller
from experiments import conclusion, lifecycle, policies, targets
from experiments.models import Experiment, ExperimentStatus, Lane, Output, OutputState, Run
from experiments.running import claims, outages, planning
from experiments.running.claims import Claimed
from experiments.targets.base import Target
from experiments.uploading import waiting

log = logging.getLogger(__name__)

# So many calls failing with none succeeding in between is an outage of the endpoint, not of an example.
OUTAGE_AFTER = 8
# How far ahead a drain waits for work that is not due yet.
SOON_SECONDS = 5
# An answer that is none may be an accident once; twice, it is how this target answers this example.
MOST_NONSENSE = 2
# So many failed attempts in a row, and an experiment waits behind the others.
FAILING = 3
LANE_RANK = {Lane.GATE: 0, Lane.STANDARD: 1, Lane.EXTENDED: 2}


def drain() -> None:
    """Work on every experiment that is due, most urgent lane first, until none can go on or time is up."""
    deadline = time.monotonic() + settings.DRAIN_SECONDS
    while time.monotonic() < deadline:
        at = clock.now()
        claims.reap(at=at)
        due = sorted(
            Experiment.objects.due(at).with_names().order_by("submitted_at"),
            # What keeps failing stands behind what does not, whatever its lane.
            key=lambda experiment: (experiment.failed_attempts >= FAILING, LANE_RANK[Lane(experiment.lane)]),
        )
        went_on = [step(experiment, deadline) for experiment in due]
        if not any(went_on) and not wait_for_more(at):
            return


def wait_for_more(at: dt.datetime) -> bool:
    """Whether something falls due within seconds; waits a moment if so.

    A drain that waited longer would hold a worker that others need; the periodic wake-up comes anyway.
    """
    soon = at + dt.timedelta(seconds=SOON_SECONDS)
    in_progress = Output.objects.filter(experiment__in=Experiment.objects.in_progress())
    if (
        # A lease this near its end is not being renewed: its holder has died.
        in_progress.filter(state=OutputState.LEASED, lease_until__lt=soon).exists()
        or in_progress.filter(state=OutputState.OPEN, not_before__lt=soon).exists()
        or Experiment.objects.in_progress().filter(next_attempt_at__lt=soon).exists()
    ):
        time.sleep(0.2)
        return True
    return False


def step(experiment: Experiment, deadline: float) -> bool:
    """One experiment's turn. What nobody foresaw must not keep the other experiments from theirs."""
    try:
        return work_on(experiment, deadline)
    except Exception as error:
        log.exception("%s: this step failed and will be tried again", experiment)
        outages.postpone(experiment, f"{type(error).__name__}: {error}", at=clock.now())
        return False


def work_on(experiment: Experiment, deadline: float) -> bool:
    """Bring one experiment forward; whether anything was done."""
    try:
        if not experiment.runs.exists():
            planning.start(experiment, at=clock.now())
        awaited = waiting.awaited(experiment)
        if awaited and not experiment.outputs.asked_for().exclude(state=OutputState.DONE).exists():
            waiting.wait(experiment, awaited, at=clock.now())
            return False
        if experiment.status == ExperimentStatus.WAITING:
            lifecycle.EXPERIMENT.advance(
                experiment, to=ExperimentStatus.RUNNING, reason="", next_attempt_at=None
            )
        collected = collect(experiment, deadline)
        if not awaited and not experiment.outputs.exclude(state=OutputState.DONE).exists():
            # Booked before it is tried: a worker that dies while it computes must not take it up first for ever.
            outages.book(experiment, at=clock.now())
            conclusion.conclude(experiment, at=clock.now())
            return True
    except Unavailable as outage:
        outages.wait_for_store(experiment, outage.reason, at=clock.now())
        return False
    except Conflict as conflict:
        # As a rule another worker was faster with the same step; anything else must not go unseen.
        log.info("%s: %s", experiment, conflict.reason)
        return False
    except ExpectedError as error:
        outages.give_up(experiment, error.reason, at=clock.now())
        return False
    return collected


@dataclass
class Collection:
    """The state of one drain of one experiment: what is in flight, and what failed since the last success."""

    experiment: Experiment
    token: uuid.UUID = field(default_factory=uuid.uuid4)
    in_flight: dict[int, tuple[Claimed, str]] = field(default_factory=dict)
    failing: list[tuple[Claimed, CallFailed]] = field(default_factory=list)
    renewed: float = field(default_factory=time.monotonic)
    answered: int = 0
    throttled: int = 0

    def renew_when_due(self) -> None:
        if time.monotonic() - self.renewed > settings.LEASE_SECONDS / 3:
            claims.renew(self.token, at=clock.now())
            self.renewed = time.monotonic()


def collect(experiment: Experiment, deadline: float) -> bool:
    """Ask for open outputs until none can be claimed; whether any answer came.

    Calls run beside this loop; it claims, starts, gathers, writes. No transaction spans a call.
    """
    if not experiment.outputs.asked_for().filter(state=OutputState.OPEN).exists():
        return False
    runs = list(Run.objects.asked().filter(experiment=experiment).select_related("version", "endpoint"))
    asked = {run.pk: targets.parse(run.version.configuration) for run in runs}
    for target in asked.values():
        if refusal := policies.asking(target):
            outages.give_up(experiment, refusal.reason, at=clock.now())
            return False
    limits = {
        run.endpoint_id: min(asked[r.pk].concurrency for r in runs if r.endpoint_id == run.endpoint_id)
        for run in runs
    }
    examples = {example.id: example for example in versions.examples(experiment.dataset_version)}
    state = Collection(experiment)
    with ModelCaller(private=settings.PRIVATE_ADDRESSES) as caller:
        while True:
            taken: list[Claimed] = []
            in_time = time.monotonic() < deadline and len(state.failing) < OUTAGE_AFTER
            if in_time and experiment_goes_on(experiment):
                taken = claims.claim(experiment, runs, limits, token=state.token, at=clock.now())
            for claimed in taken:
                start(caller, state, claimed, asked[claimed.run_id], examples)
            if state.in_flight:
                settle(state, caller.collect(timeout_s=1.0))
                state.renew_when_due()
            elif not taken:
                break
            if time.monotonic() > deadline + settings.DRAIN_SECONDS / 2:
                break  # calls that hang: their outputs go back, whoever comes next asks again
    claims.release(list(state.in_flight), token=state.token)
    end_of_failures(state)
    return state.answered > 0


def experiment_goes_on(experiment: Experiment) -> bool:
    return Experiment.objects.in_progress().filter(pk=experiment.pk).exists()


def start(
    caller: ModelCaller,
    state: Collection,
    claimed: Claimed,
    target: Target,
    examples: dict[str, Example],
) -> None:
    try:
        question = target.question(examples[claimed.example_id].input)
    except KeyError as missing:
        failure = CallFailed(Failure.REJECTED, f"the prompt names {missing}, which the example lacks", 0)
        claims.give_up(claimed, failure, token=state.token, at=clock.now())
        return
    state.in_flight[claimed.id] = (claimed, digest(question.body))
    caller.start(claimed.id, question)


def settle(state: Collection, finished: list) -> None:
    """Write what came back: answers in one transaction, failures by their kind."""
    at = clock.now()
    answers = []
    for output_id, result in finished:
        claimed, request_digest = state.in_flight.pop(output_id)
        if isinstance(result, Answer):
            answers.append((output_id, result, request_digest))
        elif result.failure == Failure.THROTTLED:
            state.throttled += 1
            claims.ask_later(claimed, token=state.token, at=at, wait_s=result.retry_after_s)
        elif result.failure == Failure.REJECTED or (
            result.failure == Failure.NONSENSE and claimed.attempts >= MOST_NONSENSE
        ):
            claims.give_up(claimed, result, token=state.token, at=at)
        elif result.failure == Failure.NONSENSE:
            claims.retry_later(claimed, token=state.token, at=at)
        else:
            state.failing.append((claimed, result))
    if answers:
        state.answered += claims.record_answers(answers, token=state.token, at=at)
        if state.experiment.failed_attempts:
            Experiment.objects.filter(pk=state.experiment.pk).update(failed_attempts=0)
            state.experiment.failed_attempts = 0
        # The endpoint lives, so these failures were about their examples or passing: each has its own tries.
        retry_failing(state, at=at)


def retry_failing(state: Collection, *, at: dt.datetime, not_before: dt.datetime | None = None) -> None:
    """Count a try of each, and give it back or up."""
    for claimed, failure in state.failing:
        if claimed.attempts >= claims.MOST_ATTEMPTS:
            claims.give_up(claimed, failure, token=state.token, at=at)
        elif not_before is not None:
            claims.open_again([claimed.id], token=state.token, not_before=not_before)
        else:
            claims.retry_later(claimed, token=state.token, at=at)
    state.failing = []


def end_of_failures(state: Collection) -> None:
    """Failures with no success after them: the endpoint is down, or it fails at these examples.

    Where nobody was there, or many failed in a row, it is an outage, and none of them counts as a try. A few
    failures of an endpoint that is there may be either: each counts, and while others were never asked, the
    experiment waits and they are asked first; they tell which of the two it was.
    """
    at = clock.now()
    if state.failing:
        _, failure = state.failing[-1]
        either = failure.failure == Failure.BROKEN and len(state.failing) < OUTAGE_AFTER
        unasked = state.experiment.outputs.asked_for().filter(state=OutputState.OPEN, attempts=0)
        if either and not unasked.exists():
            retry_failing(state, at=at)
            return
        again_at = outages.wait_for_endpoint(state.experiment, failure.detail, at=at)
        after_others = again_at + dt.timedelta(seconds=1)
        if either:
            retry_failing(state, at=at, not_before=after_others)
        else:
            failed = [claimed.id for claimed, _ in state.failing]
            claims.release(failed, token=state.token, not_before=after_others)
    elif state.throttled and not state.answered and silent_for_long(state.experiment, at):
        outages.wait_for_endpoint(state.experiment, "it asks to slow down (429), again and again", at=at)


def silent_for_long(experiment: Experiment, at: dt.datetime) -> bool:
    """Whether the last answer, or the start where there was none, lies a whole drain back."""
    last = experiment.outputs.aggregate(last=Max("finished_at"))["last"] or experiment.started_at
    return last is not None and at - last > dt.timedelta(seconds=settings.DRAIN_SECONDS)
