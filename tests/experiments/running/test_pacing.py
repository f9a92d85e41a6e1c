"""Workers divide what an endpoint bears among them, and go slower where it asks for it."""

import datetime as dt
import itertools
import random
import time
import uuid
from dataclasses import dataclass

import pytest

from evaltrack import clock
from evaltrack.integrations.model_api import Answer, CallFailed, Failure, ModelCaller
from experiments.models import Endpoint, EndpointShare, Output, OutputState
from experiments.running import pacing, scheduler
from experiments.running.paces import Paces
from experiments.running.pacing import Limits, Pace
from tests.endpoint import Reply, adds, serve
from tests.experiments.running.test_scheduler import outcomes
from tests.factories import experiments

pytestmark = pytest.mark.django_db
THROTTLED = CallFailed(Failure.THROTTLED, "429", 1, 2.0)


@pytest.fixture
def endpoint():
    return Endpoint.objects.create(base_url="http://127.0.0.1:9/v1")


@dataclass
class Configured:
    """What of a target limits its pace."""

    concurrency: int
    requests_per_minute: int = 0
    tokens_per_minute: int = 0


class Someone:
    """A worker, as its looks see it; calls start and end when a test says so."""

    def __init__(self, endpoint, **limits):
        self.id = uuid.uuid4()
        self.pace = Pace(endpoint.pk, Limits(**{"calls": 16, **limits}))

    def look(self, at, *heard):
        for result in heard:
            self.pace.hear(result)
        granted = pacing.look(self.pace, worker=self.id, at=at)
        self.pace.share = granted.calls
        return granted


def test_a_worker_alone_has_all_and_two_have_a_half_each(endpoint):
    one, two, at = Someone(endpoint), Someone(endpoint), clock.now()
    assert one.look(at).calls == 16
    one.pace.gate.in_flight = 16
    assert two.look(at).calls == 0
    # The first lets no more start than its half; until they are back the others wait for them.
    assert one.look(at).calls == 8
    assert two.look(at).calls == 0
    one.pace.gate.in_flight = 10
    one.look(at)
    assert two.look(at).calls == 6
    one.pace.gate.in_flight = 3
    one.look(at)
    assert (one.pace.share, two.look(at).calls) == (8, 8)


# Each look ends, as those of workers do: thousands in one transaction would wade through each other's old rows.
@pytest.mark.django_db(transaction=True)
def test_however_workers_come_and_go_they_stay_within_what_the_endpoint_bears(endpoint):
    rng, at = random.Random(7), clock.now()
    working: list[Someone] = []

    def everybody_looks():
        for someone in rng.sample(working, len(working)):
            someone.look(at)
            gate, share = someone.pace.gate, someone.pace.share
            # Some calls come back, and others take their places; a smaller share waits until they are back.
            gate.in_flight = rng.randint(0, share) if gate.in_flight <= share else gate.in_flight - 1
        # Calls of the dead count as well: nobody knows whether they are still under way.
        assert sum(EndpointShare.objects.values_list("calls", flat=True)) <= 16

    for _ in range(60):
        if len(working) < 6 and rng.random() < 0.4:
            working.append(Someone(endpoint))
        if working and rng.random() < 0.2:
            gone = working.pop(rng.randrange(len(working)))
            if rng.random() < 0.5:
                pacing.give_back(gone.id)
        for _ in range(rng.choice([1, 3, 35])):
            at += dt.timedelta(seconds=1)
            everybody_looks()


def test_a_smaller_share_is_given_away_when_the_gate_knows_of_it(endpoint):
    """The look reads how many calls are in flight, and the gate may start others before it hears of its new limit."""
    one, two, at = Someone(endpoint), Someone(endpoint), clock.now()
    one.look(at)
    one.pace.gate.limit = 16
    assert two.look(at).calls == 0
    one.pace.gate.in_flight = 2
    assert one.look(at).calls == 8
    one.pace.gate.in_flight = 16
    assert two.look(at).calls == 0
    assert one.pace.due
    one.pace.gate.limit, one.pace.gate.in_flight = 8, 8
    one.look(at)
    assert two.look(at).calls == 8
    assert not one.pace.due


def test_a_stricter_configuration_holds_from_the_next_call_on(endpoint):
    with ModelCaller(private=True) as caller:
        paces = Paces(caller, uuid.uuid4())
        paces.ask_only([(endpoint.pk, Configured(16))])
        paces.look()
        assert paces.of[endpoint.pk].share == 16
        paces.ask_only([(endpoint.pk, Configured(16)), (endpoint.pk, Configured(2))])
        paces.look()
        assert paces.of[endpoint.pk].share == 2


def test_a_share_whose_worker_died_is_free_after_a_lease(endpoint, settings):
    at = clock.now()
    Someone(endpoint).look(at)
    other = Someone(endpoint)
    assert other.look(at + dt.timedelta(seconds=settings.LEASE_SECONDS)).calls == 0
    assert other.look(at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)).calls == 16


def test_an_endpoint_that_asks_to_slow_down_is_asked_less_once_for_all_calls_of_a_moment(endpoint):
    one, at = Someone(endpoint, calls=100), clock.now()
    one.look(at)
    assert one.look(at, THROTTLED, THROTTLED).calls == 70
    assert one.look(at + dt.timedelta(seconds=1), THROTTLED).calls == 70
    assert one.look(at + dt.timedelta(seconds=7), THROTTLED).calls == 49


def test_it_is_asked_more_again_slowly_and_no_more_than_configured(endpoint):
    one, at = Someone(endpoint, calls=100), clock.now()
    one.look(at, THROTTLED)
    calls = [one.look(at + dt.timedelta(seconds=second), Answer("1")).calls for second in range(1, 11)]
    assert calls[0] == 73
    assert calls == sorted(calls)
    assert calls[-1] == 100
    endpoint.refresh_from_db()
    assert endpoint.allowed is None


def test_a_stricter_configuration_does_not_free_an_endpoint_that_asked_others_to_slow_down(endpoint):
    lax, strict, at = Someone(endpoint, calls=64), Someone(endpoint, calls=2), clock.now()
    lax.look(at, THROTTLED)
    for second in range(1, 5):
        strict.look(at + dt.timedelta(seconds=second), Answer("1"))
    endpoint.refresh_from_db()
    assert endpoint.allowed == pytest.approx(0.7 * 64)


def test_it_is_never_asked_less_than_one_at_a_time(endpoint):
    one, at = Someone(endpoint, calls=2), clock.now()
    for n in range(20):
        assert one.look(at + n * dt.timedelta(seconds=6), THROTTLED).calls >= 1


def test_a_pause_that_one_worker_was_asked_for_holds_for_all(endpoint):
    one, two, at = Someone(endpoint), Someone(endpoint), clock.now()
    one.pace.gate.closed_until = time.monotonic() + 20
    one.look(at, THROTTLED)
    assert 19 < two.look(at).closed_for_s <= 20


def test_a_pause_that_came_with_an_answer_holds_for_all_too(endpoint):
    one, two, at = Someone(endpoint), Someone(endpoint), clock.now()
    one.pace.gate.closed_until = time.monotonic() + 20
    one.look(at, Answer("1", pause_s=20))
    assert 19 < two.look(at).closed_for_s <= 20


def test_starts_that_were_not_used_are_not_granted_again(endpoint):
    """A minute of slow calls, and then they are fast: what was saved up must not start at once."""
    at, one = clock.now(), Someone(endpoint, requests_per_minute=60)
    one.pace.held, one.pace.gate.permits = 10, 0
    for second in range(60):
        one.pace.gate.permits += one.look(at + dt.timedelta(seconds=second)).starts
    assert one.pace.gate.permits <= 10


def test_all_workers_together_start_no_more_than_the_configured_requests_a_minute(endpoint):
    at = clock.now()
    workers = [Someone(endpoint, calls=500, requests_per_minute=600) for _ in range(3)]
    started = 0
    for second in range(61):
        for someone in workers:
            someone.pace.held = 100
            started += someone.look(at + dt.timedelta(seconds=second)).starts
    # Ten a second, and a second and a half ahead at most.
    assert 600 <= started <= 600 + 16


def test_a_rate_of_less_than_one_a_second_is_kept(endpoint):
    at, one = clock.now(), Someone(endpoint, requests_per_minute=6)
    one.pace.held = 100
    starts = [one.look(at + dt.timedelta(seconds=second)).starts for second in range(60)]
    # And one ahead.
    assert sum(starts) == 7
    assert max(starts) == 1


def test_tokens_that_were_used_hold_back_what_comes_next(endpoint):
    at, one = clock.now(), Someone(endpoint, tokens_per_minute=6_000)
    assert one.look(at).starts is None
    spent = Answer("1", input_tokens=900, output_tokens=100)
    assert one.look(at, spent).starts == 0
    assert one.look(at + dt.timedelta(seconds=8)).starts == 0
    assert one.look(at + dt.timedelta(seconds=9)).starts is None


def test_the_strictest_of_several_configurations_holds():
    assert Limits.of([Configured(8, 0, 500), Configured(32, 60, 0)]) == Limits(8, 60, 500)


def test_a_storm_of_429_loses_nothing_and_wastes_little(people, impatient, monkeypatch):
    """It bears four calls at a time where eight are configured."""
    with serve(adds, latency_s=0.02) as server:

        def behave(call):
            return Reply(b"", 429, {"Retry-After": "0.2"}) if server.in_flight > 4 else adds(call)

        server.behaviour = behave
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=100, concurrency=8)
        scheduler.drain()
    assert outcomes(experiment) == {"answered": 200}
    assert not Output.objects.exclude(state=OutputState.DONE).exists()
    wasted = len(server.calls) - 200
    assert wasted < 60


def test_a_quota_that_is_used_up_makes_the_experiment_wait_and_say_so(people, impatient, settings):
    settings.DRAIN_SECONDS = 1
    spent = Reply(b'{"error": {"code": "insufficient_quota", "message": "You exceeded your quota."}}', 429)
    with serve(lambda call: spent) as server:
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=10)
        scheduler.drain(patient=False)
    experiment.refresh_from_db()
    assert experiment.status == "waiting"
    assert "the quota is used up" in experiment.reason


def test_an_allowance_that_an_answer_says_is_used_up_is_waited_for(people, impatient):
    """Nothing was refused yet: the answer that took the last of it says when there is more."""
    came: list[float] = []

    def behave(call):
        came.append(time.monotonic())
        answer = adds(call)
        used_up = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "400ms"}
        return Reply(answer.content, headers=used_up if len(came) == 10 else {})

    with serve(behave) as server:
        experiment = experiments.submitted(**people, base_url=server.base_url, examples=20, concurrency=1)
        scheduler.drain()
    assert outcomes(experiment) == {"answered": 40}
    pauses = [later - earlier for earlier, later in itertools.pairwise(came)]
    assert pauses[9] >= 0.4
