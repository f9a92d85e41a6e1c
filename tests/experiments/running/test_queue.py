"""The run queue says what is asked next, what each experiment waits for, and how endpoints are shared."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaltrack import clock, schedules
from evaltrack.accounts.roles import Permission, Role
from experiments import pausing
from experiments.models import (
    Endpoint,
    EndpointShare,
    Experiment,
    ExperimentStatus,
    Lane,
    Output,
    OutputState,
)
from experiments.running import claims, outages, planning, queue, queued, scheduler
from experiments.running.endpoints import host_of
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person
from tests.endpoint import adds, serve
from tests.factories import experiments
from tests.query_growth import no_query_growth

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(people):
    """Submit an experiment of a component of its own; `laid_out`: its outputs are open."""

    def submit(name="adder", *, laid_out=False, **given):
        row = experiments.submitted(**people, name=name, examples=10, **given)
        if laid_out:
            planning.start(row, at=clock.now())
        return Experiment.objects.get(pk=row.pk)

    return submit


def claim(row, several, *, at=None):
    """A worker holds so many outputs; its token."""
    token, at = uuid.uuid4(), at or clock.now()
    runs = dict(row.runs.values_list("pk", "endpoint"))
    claims.claim(row, runs, dict.fromkeys(runs.values(), several), token=token, at=at)
    return token


def finish(row, several, *, at):
    ids = list(row.outputs.filter(state=OutputState.OPEN).values_list("pk", flat=True)[:several])
    Output.objects.filter(pk__in=ids).update(state=OutputState.DONE, outcome="answered", finished_at=at)


def order(at=None, seen_by=None):
    at = at or clock.now()
    found = queue.of(at=at, seen_by=seen_by or person("everything", Role.ADMIN))
    return [each.experiment.pk for each in found.visible]


def waits(row, *, at=None, worker_problem=""):
    at = at or clock.now()
    reader = row.component.owner
    found = queued.in_full(queue.of(at=at, seen_by=reader).visible, worker_problem=worker_problem, at=at)
    return next(each for each in found if each.experiment.pk == row.pk).waits_for


def lane(name, at=None):
    found = queue.of(at=at or clock.now())
    return next(each for each in found.lanes if each.lane == name)


# ── Order ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_gate_is_asked_first_then_the_component_with_least_in_flight_then_the_oldest(ask):
    extended, busy, idle = (
        ask("extended", tier="extended", laid_out=True),
        ask("busy", laid_out=True),
        ask("idle", laid_out=True),
    )
    gate = ask("gate", tier="smoke", laid_out=True)
    claim(busy, 3)
    assert order() == [row.pk for row in (gate, idle, busy, extended)]


def test_what_fails_stands_behind_what_waits_stands_further_behind_and_what_is_paused_at_the_end(ask, people):
    failing, waiting, paused, plain = (ask(name) for name in ("failing", "waiting", "paused", "plain"))
    Experiment.objects.filter(pk=failing.pk).update(failed_attempts=3)
    outages.wait_for_endpoint(waiting, "connection refused", at=clock.now())
    pausing.pause(paused, by=people["owner"], at=clock.now())
    assert order() == [row.pk for row in (plain, failing, waiting, paused)]


def test_the_order_is_that_in_which_a_worker_takes_them_up(ask, people):
    with serve(adds) as endpoint:
        rows = [ask(name, base_url=endpoint.base_url, tier=tier, concurrency=1) for name, tier in (
            ("slow", "extended"), ("usual", "standard"), ("urgent", "smoke"))]  # fmt: skip
        expected = order()
        scheduler.drain(patient=False)
    finished = Experiment.objects.filter(pk__in=[row.pk for row in rows])
    first = {row.pk: row.outputs.order_by("finished_at").first().finished_at for row in finished}
    assert sorted(first, key=lambda pk: first[pk]) == expected


# ── Numbers ──────────────────────────────────────────────────────────────────────────────────────────


def test_lanes_count_experiments_by_state_and_outputs_that_are_left(ask, people):
    at = clock.now()
    ask("waits-for-a-worker")
    running, paused = ask("running", laid_out=True), ask("paused", laid_out=True)
    claim(running, 4)
    finish(running, 6, at=at)
    pausing.pause(paused, by=people["owner"], at=at)
    Experiment.objects.filter(pk=running.pk).update(started_at=at - dt.timedelta(minutes=5))
    found = lane(Lane.STANDARD, at)
    assert found.counts == {"queued": 1, "waiting": 0, "running": 1, "paused": 1}
    assert (found.pace.open, found.pace.claimed, found.pace.lately) == (10, 4, 6)
    # Six a minute, and fourteen left.
    assert found.pace.remaining_s == 140
    assert lane(Lane.GATE).counts == {"queued": 0, "waiting": 0, "running": 0, "paused": 0}


def test_where_nothing_came_lately_no_time_to_go_is_made_up(ask):
    row, at = ask(laid_out=True), clock.now()
    finish(row, 6, at=at - dt.timedelta(minutes=2))
    assert lane(Lane.STANDARD).pace.lately == 0
    assert lane(Lane.STANDARD).pace.remaining_s is None


def test_the_oldest_is_the_oldest_that_waits_and_not_one_that_is_asked_or_paused(ask, people):
    at = clock.now()
    rows = [ask(name) for name in ("paused", "old", "new")]
    running = ask("running", laid_out=True)
    for row, hours in zip((running, *rows), (9, 8, 3, 1), strict=True):
        Experiment.objects.filter(pk=row.pk).update(submitted_at=at - dt.timedelta(hours=hours))
    pausing.pause(Experiment.objects.get(pk=rows[0].pk), by=people["owner"], at=at)
    assert lane(Lane.STANDARD, at).oldest_s == 3 * 3600


def test_what_a_budget_left_over_is_no_pace(ask):
    row, at = ask(laid_out=True), clock.now()
    finish(row, 6, at=at)
    Output.objects.filter(state=OutputState.DONE).update(outcome="skipped_by_budget")
    assert lane(Lane.STANDARD, at).pace.lately == 0


def test_progress_is_told_without_counting_what_is_done(ask):
    row, at = ask(laid_out=True), clock.now()
    finish(row, 6, at=at - dt.timedelta(hours=1))
    claim(row, 3)
    (found,) = queued.in_full(queue.of(at=at, seen_by=row.component.owner).visible, worker_problem="", at=at)
    assert (found.done, found.total) == (6, 20)


def test_done_outputs_are_never_counted(ask):
    """Whatever was done before must cost nothing."""
    row = ask(laid_out=True)
    claim(row, 2)
    with CaptureQueriesContext(connection) as captured:
        queue.of(at=clock.now(), seen_by=row.component.owner)
    about_outputs = [each["sql"] for each in captured if 'FROM "experiments_output"' in each["sql"]]
    assert about_outputs
    for sql in about_outputs:
        assert "'open'" in sql or "'leased'" in sql or '"finished_at" >' in sql, sql


# ── In words ─────────────────────────────────────────────────────────────────────────────────────────


def test_each_says_what_it_waits_for(ask, people):
    at = clock.now()
    row = ask(laid_out=True)
    assert waits(row).text == "A free call at its endpoint."
    assert "manage.py worker" in waits(row, worker_problem="never started").text
    claim(row, 2)
    assert waits(row, worker_problem="silent").text == "Nothing: it is asked now."
    Experiment.objects.filter(pk=row.pk).update(budget_micro=5, committed_micro=5)
    assert "budget" in waits(row).text
    Experiment.objects.filter(pk=row.pk).update(budget_micro=None)
    paused = pausing.pause(Experiment.objects.get(pk=row.pk), by=people["owner"], at=at)
    assert waits(paused).text == "Paused by owner: somebody has to resume it."
    assert waits(paused).since == at


def test_an_endpoint_that_asked_to_be_left_alone_is_named_by_its_host(ask):
    at = clock.now()
    row = ask(laid_out=True, base_url="http://127.0.0.1:9/secret-path/v1")
    until = at + dt.timedelta(seconds=40)
    Endpoint.objects.update(closed_until=until)
    assert waits(row, at=at).text == "127.0.0.1:9 asked to be left alone."
    assert waits(row, at=at).until == until


def test_one_that_waits_for_an_endpoint_says_its_reason_and_until_when(ask):
    row, at = ask(laid_out=True), clock.now()
    again = outages.wait_for_endpoint(row, "connection refused", at=at)
    assert waits(row, at=at).text == "The endpoint does not answer: connection refused"
    assert waits(row, at=at).until == again


def test_everything_answered_is_not_a_turn(ask):
    row = ask(laid_out=True)
    finish(row, 20, at=clock.now())
    assert "being computed" in waits(row).text


# ── Endpoints ────────────────────────────────────────────────────────────────────────────────────────


def test_an_endpoint_shows_its_limit_its_pause_and_who_shares_it(ask, settings):
    at = clock.now()
    row = ask(laid_out=True, concurrency=8)
    claim(row, 3)
    until = at + dt.timedelta(seconds=9)
    Endpoint.objects.update(allowed=5.6, closed_until=until)
    endpoint = Endpoint.objects.get()
    lease = dt.timedelta(seconds=settings.LEASE_SECONDS)
    one, two = uuid.uuid4(), uuid.uuid4()
    seen = at - dt.timedelta(seconds=1)
    EndpointShare.objects.create(endpoint=endpoint, worker=one, calls=3, until=seen + lease)
    # About to be away for long: no moment in the future.
    EndpointShare.objects.create(endpoint=endpoint, worker=two, calls=2, until=at + dt.timedelta(minutes=5))
    (found,) = queue.of(at=at).endpoints
    assert (found.host, found.limit, found.configured, found.claimed) == ("127.0.0.1:9", 5, 8, 3)
    assert (found.is_slowed, found.closed_until) == (True, until)
    assert [(share.worker, share.calls, share.seen_at) for share in found.shares] == [
        (str(two)[:8], 2, at),
        (str(one)[:8], 3, seen),
    ]


def test_the_limit_is_that_of_the_strictest_configuration_that_asks_now(ask, people):
    wide, strict = ask("wide", laid_out=True, concurrency=64), ask("strict", laid_out=True, concurrency=2)
    assert [each.configured for each in queue.of(at=clock.now()).endpoints] == [2]
    pausing.pause(strict, by=people["owner"], at=clock.now())
    assert [each.configured for each in queue.of(at=clock.now()).endpoints] == [64]
    pausing.pause(wide, by=people["owner"], at=clock.now())
    assert [each.configured for each in queue.of(at=clock.now()).endpoints] == [2]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://user:password@models.example/v1?key=secret", "models.example"),
        ("http://models.example:8080/secret", "models.example:8080"),
        ("nonsense", "an address that cannot be read"),
    ],
)
def test_of_an_address_nothing_but_the_host_is_shown(address, host):
    assert host_of(address) == host


# ── Page and API ─────────────────────────────────────────────────────────────────────────────────────


def test_another_owner_counts_them_and_sees_none(ask):
    ask("secret-component", laid_out=True, base_url="http://127.0.0.1:9/v1")
    stranger = person("stranger", Role.OWNER)
    page = signed_in(stranger).get("/experiments/queue/").content.decode()
    assert "None of yours is in the queue" in page
    body = bearer(stranger, Permission.VIEW_EXPERIMENTS).get("/api/v1/experiments/queue").json()
    assert (body["unfinished"], body["experiments"], body["endpoints"]) == (1, [], [])
    assert [each["queued"] + each["running"] for each in body["lanes"]] == [0, 1, 0]
    for text in (page, str(body)):
        assert "secret-component" not in text
        assert "127.0.0.1:9" not in text


def test_an_endpoint_that_others_ask_too_shows_what_they_take_of_it(ask, people):
    others = ask("others", laid_out=True, concurrency=4)
    own = experiments.submitted(
        **{**people, "owner": person("stranger", Role.OWNER)}, name="own", examples=10
    )
    planning.start(own, at=clock.now())
    claim(others, 3)
    (found,) = queue.of(at=clock.now(), seen_by=own.component.owner).endpoints
    assert (found.claimed, found.limit, found.experiments) == (3, 4, 2)


def test_places_count_those_of_everybody(ask, people):
    other = {**people, "owner": person("stranger", Role.OWNER)}
    own = experiments.submitted(**other, name="own", examples=10)
    ask("gate", tier="smoke")
    body = signed_in(other["owner"]).get("/api/v1/experiments/queue").json()
    assert [(each["experiment"], each["place"]) for each in body["experiments"]] == [(own.public_id, 2)]
    page = signed_in(other["owner"]).get("/experiments/queue/").content.decode()
    assert "1 of 2 unfinished experiments are yours to see" in page


def test_what_an_endpoint_said_is_no_markup(ask, platform):
    row = ask(laid_out=True)
    outages.wait_for_endpoint(row, "<script>alert(1)</script>\u202e", at=clock.now())
    page = signed_in(platform).get("/experiments/queue/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;⟦U+202E⟧" in page


def test_an_empty_queue_says_what_to_do(platform):
    schedules.sync()
    page = signed_in(platform).get("/experiments/queue/").content.decode()
    assert "Submit an experiment from CI or through the API" in page
    assert "No worker is heard of" not in page


def test_a_missing_worker_is_said_before_all(ask, platform):
    ask()
    page = signed_in(platform).get("/experiments/queue/").content.decode()
    assert "No worker is heard of (never started)" in page
    assert signed_in(platform).get("/api/v1/experiments/queue").json()["worker"] == "never started"


def test_htmx_gets_the_fragment_of_the_same_page_again(ask, platform):
    ask()
    asked = signed_in(platform).get("/experiments/queue/?page=1", headers={"HX-Request": "true"})
    fragment = asked.content.decode()
    assert fragment.startswith('<div id="queue"')
    assert 'hx-get="/experiments/queue/?page=1"' in fragment


def test_the_page_and_the_api_cost_as_many_queries_for_many_as_for_few(ask, platform):
    client = signed_in(platform)
    ask("first", laid_out=True)

    def more(number):
        claim(ask(f"more-{number}", laid_out=True), 1)

    no_query_growth(lambda: client.get("/experiments/queue/"), more, rows=3)
    no_query_growth(lambda: client.get("/api/v1/experiments/queue"), lambda n: more(n + 10), rows=3)


def test_the_list_is_shown_by_pages_and_the_api_says_what_it_leaves_out(ask, platform, monkeypatch):
    monkeypatch.setattr("experiments.views.run_queue.PAGE_SIZE", 2)
    monkeypatch.setattr("experiments.api.run_queue.LISTED", 2)
    for name in "abc":
        ask(name)
    client = signed_in(platform)
    assert "1 to 2 of 3" in client.get("/experiments/queue/").content.decode()
    assert client.get("/api/v1/experiments/queue").json()["left_out"] == 1


def test_whoever_has_ended_is_gone(ask):
    row = ask(laid_out=True)
    Experiment.objects.filter(pk=row.pk).update(status=ExperimentStatus.CANCELLED)
    found = queue.of(at=clock.now())
    assert (found.unfinished, found.endpoints) == (0, [])
