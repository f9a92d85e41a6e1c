"""The outputs of one experiment that a worker asks for, and what becomes of those that fail.

Failures are counted for the experiment: many with no success in between are an outage of the endpoint, not the
fault of examples.
"""

import datetime as dt
import logging
import time
import uuid
from collections.abc import Collection as Sized
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.db.models import Max

from datasets.spool import Spool
from evaltrack.canonical import digest
from evaltrack.integrations.model_api import Answer, CallFailed, Failure, Question
from experiments.judging import asking
from experiments.judging.asking import Judging, Posed
from experiments.models import Experiment, Outcome, OutputState, Run
from experiments.running import budget, claims, outages
from experiments.running.claims import Claimed
from experiments.running.held import Held
from experiments.running.reuse import Reuse
from experiments.targets.base import Target
from experiments.tariff import Tariff

log = logging.getLogger(__name__)

# So many calls failing with none succeeding in between is an outage of the endpoint, not of an example.
OUTAGE_AFTER = 8
# An answer that is none may be an accident once; twice, it is how this target answers this example.
MOST_NONSENSE = 2
# Somebody is there, and this one call failed.
ONE_CALL = {Failure.BROKEN, Failure.CUT}
# What fails so costs nothing; what fails otherwise may have been answered, and paid for.
NOT_PAID = {Failure.UNREACHABLE, Failure.THROTTLED, Failure.REJECTED}
# Where there was nothing to claim.
TRY_AGAIN_SECONDS = 0.2


@dataclass
class Collection:
    """What one worker has claimed of one experiment, and what failed since the last success."""

    experiment: Experiment
    token: uuid.UUID
    # Run id → whom it asks, and at which endpoint.
    asked: dict[int, Target]
    endpoint_of: dict[int, int]
    examples: Spool
    # Run id → what asking it costs, where that is known.
    tariffs: dict[int, Tariff]
    # Run id → when its outputs could first be asked for, as `time.monotonic()`.
    laid_out: dict[int, float] = field(default_factory=dict)
    # Run id → what is judged by it, of those that judge.
    judging: dict[int, Judging] = field(default_factory=dict)
    # What may be reused instead of asking; None where nothing may.
    reuse: Reuse | None = None
    # The runs whose raw replies are kept.
    keeping: frozenset[int] = frozenset()
    held: dict[int, Held] = field(default_factory=dict)
    failing: list[tuple[Claimed, CallFailed]] = field(default_factory=list)
    answered: int = 0
    throttled: int = 0
    # Nothing could be claimed at the last try, of any endpoint.
    is_empty: bool = False
    # Endpoint → when to try again where there was nothing to ask it, as `time.monotonic()`.
    try_again: dict[int, float] = field(default_factory=dict)
    # More fits into the budget when what is in flight has come, and has cost less than was reserved for it.
    waits_for_cost: bool = False
    # All that could be asked has failed before, and its endpoint may not be asked again so often.
    waits_for_retries: bool = False
    # Nothing more is claimed; what is in flight is waited for.
    is_closing: bool = False

    @property
    def may_claim(self) -> bool:
        """Not in the middle of what looks like an outage, nor where there was nothing a moment ago."""
        shut = self.is_closing or self.is_outage or self.waits_for_cost
        return not shut and bool(self.claimable)

    @property
    def claimable(self) -> set[int]:
        """The endpoints for which there may be something. An endpoint that is full tells nothing of what waits there,
        though another had nothing."""
        now = time.monotonic()
        return {endpoint for endpoint in self.endpoint_of.values() if now >= self.try_again.get(endpoint, 0)}

    @property
    def reused(self) -> int:
        """How many outputs an earlier answer has ended."""
        return self.reuse.count if self.reuse else 0

    @property
    def is_outage(self) -> bool:
        return len(self.failing) >= OUTAGE_AFTER

    def claim(self, room: dict[int, int], *, at: dt.datetime) -> list[tuple[Claimed, Question]]:
        """Claim outputs and say what to ask for each; what cannot be asked, or need not be, ends here."""
        if self.experiment.failed_attempts:
            # Until something answers, only as many as tell whether it is still an outage.
            most_asked = max(0, OUTAGE_AFTER - len(self.held) - len(self.failing))
            room = {endpoint: min(most, most_asked) for endpoint, most in room.items()}
        taken = claims.claim(self.experiment, self.endpoint_of, room, token=self.token, at=at)
        self.waits_for_retries = False
        if not taken:
            with_room = {endpoint for endpoint, most in room.items() if most > 0}
            self.found_nothing(with_room)
            runs = [run for run, endpoint in self.endpoint_of.items() if endpoint in with_room]
            self.waits_for_retries = claims.retries_wait(self.experiment, runs, at=at)
        self.is_empty = not taken and not self.claimable
        posed = asking.pose(self.judging, self.asked, taken, self.examples.__getitem__)
        asked = []
        for claimed in taken:
            try:
                question = self.question(claimed, posed)
            except KeyError as missing:
                lacking = f"the prompt names {missing}, which the example lacks"
                claims.give_up(claimed, CallFailed(Failure.REJECTED, lacking, 0), token=self.token, at=at)
                continue
            request = digest(question.body)
            key = self.reuse.key(claimed, question, request) if self.reuse else None
            timeout_ms = min(question.timeout_ms, claims.longest_wait_ms())
            keeps_reply = claimed.run_id in self.keeping
            question = replace(question, timeout_ms=timeout_ms, keeps_reply=keeps_reply)
            asked.append((Held(claimed, request, key, posed.get(claimed.id)), question))
        if self.reuse:
            asked = self.reuse.left(asked, token=self.token, at=at)
        return self.hold(asked, at=at)

    def found_nothing(self, endpoints: Iterable[int]) -> None:
        self.try_again |= dict.fromkeys(endpoints, time.monotonic() + TRY_AGAIN_SECONDS)

    def question(self, claimed: Claimed, posed: Mapping[int, Posed]) -> Question:
        if claimed.run_id in self.judging:
            return posed[claimed.id].question
        return self.asked[claimed.run_id].question(self.examples[claimed.position].input)

    def hold(self, asked: list[tuple[Held, Question]], *, at: dt.datetime) -> list[tuple[Claimed, Question]]:
        """Keep what may be asked within the budget, give back the rest."""
        if self.experiment.budget_micro is not None:
            amounts = [self.tariffs[held.claimed.run_id].most(question.body) for held, question in asked]
            fit = budget.reserve(self.experiment, amounts)
            self.leave([held.claimed.id for held, _ in asked[fit:]], is_spent=not fit, at=at)
            asked = [
                (replace(held, reserved=amount), question)
                for (held, question), amount in zip(asked[:fit], amounts, strict=False)
            ]
        self.held |= {held.claimed.id: held for held, _ in asked}
        return [(held.claimed, question) for held, question in asked]

    def leave(self, over: list[int], *, is_spent: bool, at: dt.datetime) -> None:
        """What does not fit into the budget waits for what is in flight, or is skipped where nothing is."""
        if not over:
            return
        is_spent = is_spent and not self.held
        # What comes later may cost nothing, as it is reused: these alone are skipped, and others are looked at.
        if is_spent and self.reuse and budget.skip(self.experiment, over, token=self.token, at=at):
            return
        claims.release(over, token=self.token)
        self.waits_for_cost = not is_spent
        if is_spent:
            budget.skip_rest(self.experiment, at=at)
            self.is_empty = True
            self.found_nothing(self.endpoint_of.values())

    def settle(self, finished: list[tuple[int, Answer | CallFailed]], *, at: dt.datetime) -> int:
        """Write what came back: answers in one transaction, failures by their kind; how many answers."""
        answers, written, committed = [], 0, 0
        self.waits_for_cost = False
        for output_id, result in finished:
            held = self.held.pop(output_id)
            claimed = held.claimed
            if isinstance(result, Answer):
                tariff = self.tariffs.get(claimed.run_id)
                cost = tariff.cost(result) if tariff else None
                # Where the endpoint does not say what it took, it is taken to have cost what was reserved.
                committed += 0 if cost is None else cost - held.reserved
                paid = budget.added(claimed.cost_micro, cost)
                complaint = held.posed.complaint(result.text) if held.posed and not result.is_refusal else ""
                if complaint and claimed.attempts < MOST_NONSENSE:
                    claims.retry_later(claimed, complaint, token=self.token, at=at, cost_micro=paid)
                    continue
                answers.append(self.written_down(held, result, paid, complaint))
                continue
            if result.failure in NOT_PAID:
                committed -= held.reserved
            if result.failure == Failure.THROTTLED:
                self.throttled += 1
                claims.ask_later(claimed, token=self.token, at=at, wait_s=result.wait_s)
            elif result.failure == Failure.REJECTED or (
                result.failure == Failure.NONSENSE and claimed.attempts >= MOST_NONSENSE
            ):
                claims.give_up(claimed, result, token=self.token, at=at)
            elif result.failure == Failure.NONSENSE:
                claims.retry_later(claimed, result, token=self.token, at=at)
            else:
                self.failing.append((claimed, result))
        if self.experiment.budget_micro is not None:
            budget.change(self.experiment, committed)
        if answers:
            written = claims.record_answers(answers, token=self.token, at=at)
            self.answered += written
            if self.experiment.failed_attempts:
                Experiment.objects.filter(pk=self.experiment.pk).update(failed_attempts=0)
                self.experiment.failed_attempts = 0
            # The endpoint lives, so these failures were about their examples or passing: each has its own tries.
            self.retry_failing(at=at)
        return written

    def written_down(
        self, held: Held, answer: Answer, cost_micro: int | None, complaint: str
    ) -> claims.Answered:
        run = held.claimed.run_id
        outcome = Outcome.FORMAT_INVALID if complaint else self.outcome_of(held, answer)
        key = None
        if self.reuse:
            self.reuse.hear(run, answer)
            key = self.reuse.reusable(held.cache_key, run, answer, outcome)
        waited_ms = self.waited_ms(held.claimed, answer)
        return claims.Answered(
            held.claimed.id, answer, outcome, held.request_digest, cost_micro, complaint, waited_ms, key
        )

    def waited_ms(self, claimed: Claimed, answer: Answer) -> int | None:
        """How long an output had waited when the call was made that brought its answer."""
        if answer.sent_at is None or claimed.run_id not in self.laid_out:
            return None
        # A clock of the database that was set back makes none negative.
        return max(0, round(1000 * (answer.sent_at - self.laid_out[claimed.run_id])))

    def outcome_of(self, held: Held, answer: Answer) -> Outcome:
        # What a judge has to answer is ours to say, and was read already.
        if held.posed is not None and not answer.is_refusal:
            return Outcome.ANSWERED
        return claims.outcome_of(answer, by=self.asked[held.claimed.run_id])

    def retry_failing(self, *, at: dt.datetime, not_before: dt.datetime | None = None) -> None:
        """Count a try of each, and give it back or up."""
        for claimed, failure in self.failing:
            if claimed.attempts >= claims.MOST_ATTEMPTS:
                claims.give_up(claimed, failure, token=self.token, at=at)
            elif not_before is not None:
                error = str(failure)
                claims.open_again([claimed.id], token=self.token, not_before=not_before, error=error)
            else:
                claims.retry_later(claimed, failure, token=self.token, at=at)
        self.failing = []

    def release(self, output_ids: Sized[int]) -> None:
        """Give back what was not asked, or not answered in time, as if it had not been claimed."""
        claims.release(list(output_ids), token=self.token)
        self.waits_for_cost = False
        budget.change(self.experiment, -sum(self.held.pop(output_id).reserved for output_id in output_ids))

    def end_of_failures(self, *, at: dt.datetime) -> None:
        """Failures with no success after them: the endpoint is down, or it fails at these examples.

        Where nobody was there, or many failed in a row, it is an outage, and none of them counts as a try. A few
        failures of an endpoint that is there may be either: each counts, and while others were never asked, the
        experiment waits and they are asked first; they tell which of the two it was.
        """
        if self.failing:
            last, failure = self.failing[-1]
            either = failure.failure in ONE_CALL and not self.is_outage
            unasked = self.experiment.outputs.one_by_one().filter(state=OutputState.OPEN, attempts=0)
            if either and not unasked.exists():
                self.retry_failing(at=at)
                return
            again_at = self.wait(last, failure.detail, at=at)
            after_others = again_at + dt.timedelta(seconds=1)
            if either:
                self.retry_failing(at=at, not_before=after_others)
            else:
                failed = [claimed.id for claimed, _ in self.failing]
                claims.release(failed, token=self.token, not_before=after_others, error=str(failure))
                self.failing = []
        elif self.throttled and not self.answered and self.silent_for_long(at):
            outages.wait_for_endpoint(self.experiment, "it asks to slow down (429), again and again", at=at)

    def wait(self, claimed: Claimed, detail: str, *, at: dt.datetime) -> dt.datetime:
        """Whoever owns what does not answer is told."""
        if claimed.run_id in self.judging:
            run = Run.objects.select_related("version__component__owner").get(pk=claimed.run_id)
            return outages.wait_for_judge(self.experiment, run.version, detail, at=at)
        return outages.wait_for_endpoint(self.experiment, detail, at=at)

    def silent_for_long(self, at: dt.datetime) -> bool:
        """Whether the last answer, or the start where there was none, lies a whole drain back."""
        last = (
            self.experiment.outputs.aggregate(last=Max("finished_at"))["last"] or self.experiment.started_at
        )
        return last is not None and at - last > dt.timedelta(seconds=settings.DRAIN_SECONDS)
