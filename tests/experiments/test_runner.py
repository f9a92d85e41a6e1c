"""The runner against a real endpoint that answers, refuses, stammers, throttles, or is gone."""

import datetime as dt
import shutil
import threading
import time
import uuid
from collections import Counter

import pytest
from django.db import connection

from evaltrack import clock
from evaltrack.errors import Conflict
from evaltrack.integrations.model_api import ChatAnswer
from evaltrack.notifications.models import Notification
from experiments import claims, planning, registration, runner, submission
from experiments.models import Experiment, ExperimentStatus, Outcome, Output, OutputState, Run
from tests.endpoint import HANGS_UP, Reply, adds, always, asked, fails, says, serve, wrong_on
from tests.factories import experiments


def outcomes(experiment) -> Counter:
    return Counter(experiment.outputs.values_list("outcome", flat=True))


def step(experiment) -> Experiment:
    """One turn of the experiment, due or not."""
    runner.step(Experiment.objects.with_names().get(pk=experiment.pk), time.monotonic() + 10)
    return Experiment.objects.with_names().get(pk=experiment.pk)


# An endpoint that answers


def test_every_example_is_asked_once_of_each_arm_and_the_gate_decides(run):
    with serve(wrong_on("v1.0.0", *range(0, 30, 3))) as endpoint:
        experiment = run(endpoint)
    assert experiment.status == ExperimentStatus.DECIDED
    assert outcomes(experiment) == {Outcome.ANSWERED: 60}
    assert endpoint.asked_by == {"v1.0.0": 30, "v1.1.0": 30}
    assert experiment.verdicts.get().outcome == "PASS"
    assert experiment.comparisons.get(metric="exact_match").delta["value"] == pytest.approx(1 / 3)


def test_an_output_keeps_what_the_endpoint_said_about_itself(run):
    def behave(call):
        return says(f"{asked(call) + 1}", model="mock-2026-11", system_fingerprint="fp_7")

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=10)
    output = experiment.outputs.first()
    assert (output.endpoint_model, output.endpoint_fingerprint) == ("mock-2026-11", "fp_7")
    assert (output.finish_reason, output.input_tokens, output.output_tokens) == ("stop", 8, 1)
    assert len(output.request_digest) == 64
    assert output.latency_ms is not None


def test_characters_that_no_database_keeps_are_replaced(run):
    odd = "\x00\ud800"

    def behave(call):
        reply = says(f"{asked(call) + 1}{odd}", model=f"m{odd}", system_fingerprint=f"f{odd}")
        return Reply(reply.content.replace(b'"stop"', b'"stop\\u0000"'))

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=10)
    assert outcomes(experiment) == {Outcome.ANSWERED: 20}
    output = experiment.outputs.first()
    kept = [output.text, output.endpoint_model, output.endpoint_fingerprint, output.finish_reason]
    assert not any("\x00" in text for text in kept)
    assert "\N{SYMBOL FOR NULL}" in output.text


def test_the_key_is_read_from_the_variable_that_the_configuration_names(run, settings, monkeypatch):
    settings.TARGET_KEYS = ["ADDER_KEY"]
    monkeypatch.setenv("ADDER_KEY", "sk-secret")
    with serve(adds) as endpoint:
        run(endpoint, examples=10, api_key_env="ADDER_KEY")
    assert {call.authorization for call in endpoint.calls} == {"Bearer sk-secret"}


def test_a_key_that_no_header_can_carry_ends_undecided(run, settings, monkeypatch):
    settings.TARGET_KEYS = ["ADDER_KEY"]
    monkeypatch.setenv("ADDER_KEY", "sk-secret\r\nX-Evil: 1")
    with serve(adds) as endpoint:
        experiment = run(endpoint, examples=10, api_key_env="ADDER_KEY")
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "ADDER_KEY" in experiment.reason
    assert "sk-secret" not in experiment.reason
    assert endpoint.calls == []


def test_the_smoke_tier_asks_ten_examples(run):
    with serve(adds) as endpoint:
        run(endpoint, examples=40, tier="smoke")
    assert endpoint.asked_by == {"v1.0.0": 10, "v1.1.0": 10}


def test_an_urgent_experiment_goes_first(people, impatient):
    with serve(adds) as endpoint:
        slow = experiments.submitted(**people, base_url=endpoint.base_url, examples=20, name="slow")
        gate = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=20, name="gate", tier="smoke"
        )
        runner.drain()
    last_of = {row: max(row.outputs.values_list("finished_at", flat=True)) for row in (slow, gate)}
    assert last_of[gate] < min(slow.outputs.values_list("finished_at", flat=True))


# How many at a time


def test_no_more_calls_are_in_flight_than_configured(run):
    with serve(adds, latency_s=0.03) as endpoint:
        run(endpoint, concurrency=4)
    assert endpoint.most_in_flight == 4


@pytest.mark.django_db(transaction=True)
def test_two_drains_share_the_places_of_an_endpoint(people, impatient):
    with serve(adds, latency_s=0.05) as endpoint:
        rows = [
            experiments.submitted(**people, base_url=endpoint.base_url, concurrency=3, examples=20, name=name)
            for name in ("one", "two")
        ]
        in_threads(runner.drain, runner.drain)
        # Whatever a drain had left to the other is there for the next one.
        runner.drain()
    assert endpoint.most_in_flight <= 3
    assert len(endpoint.calls) == 80
    for row in rows:
        row.refresh_from_db()
        assert row.status == ExperimentStatus.DECIDED
        assert row.verdicts.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_that_claim_at_the_same_moment_get_different_outputs(people):
    experiment = experiments.submitted(**people, examples=30, concurrency=10)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    runs = list(Run.objects.filter(experiment=experiment))
    limits = {runs[0].endpoint_id: 10}
    taken = []

    def claim():
        taken.append(claims.claim(experiment, runs, limits, token=uuid.uuid4(), at=clock.now()))

    in_threads(claim, claim, claim)
    ids = [claimed.id for some in taken for claimed in some]
    assert len(ids) == len(set(ids)) == 10


def in_threads(*jobs) -> None:
    """Run `jobs` at the same moment, each with its own connection; the first failure is raised."""
    barrier, failures = threading.Barrier(len(jobs)), []

    def work(job):
        try:
            barrier.wait(timeout=10)
            job()
        except Exception as error:  # noqa: BLE001
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    if failures:
        raise failures[0]


# Failures of single examples


def test_an_example_that_fails_five_times_is_an_error_of_the_target(run):
    with serve(fails(500, on={7})) as endpoint:
        experiment = run(endpoint)
    assert outcomes(experiment) == {Outcome.ANSWERED: 58, Outcome.TARGET_ERROR: 2}
    failed = experiment.outputs.filter(outcome=Outcome.TARGET_ERROR)
    assert {(row.example_id, row.attempts, row.error) for row in failed} == {("q7", 5, "broken: HTTP 500")}
    assert Counter(asked(call) for call in endpoint.calls)[7] == 10
    assert experiment.status == ExperimentStatus.DECIDED


@pytest.mark.parametrize("reply", [Reply(b"", 503), HANGS_UP, Reply(b"<html>busy</html>", 502)])
def test_a_passing_failure_costs_a_try_and_no_answer(run, reply):
    def behave(call):
        return reply if call.nth == 1 and asked(call) % 5 == 0 else adds(call)

    with serve(behave) as endpoint:
        experiment = run(endpoint)
    assert outcomes(experiment) == {Outcome.ANSWERED: 60}
    assert len(endpoint.calls) == 60 + 12


def test_what_the_endpoint_rejects_is_not_asked_again(run):
    with serve(fails(400, on={3})) as endpoint:
        experiment = run(endpoint)
    assert Counter(asked(call) for call in endpoint.calls)[3] == 2
    errors = set(experiment.outputs.filter(example_id="q3").values_list("error", flat=True))
    assert errors == {'rejected: HTTP 400: {"error": {"message": "no"}}'}


def test_a_prompt_that_names_what_no_example_has_ends_undecided_without_a_call(people, impatient):
    with serve(adds) as endpoint:
        row = experiments.component(people["owner"], people["platform"])
        versions = [
            registration.register_version(
                row,
                version=version,
                body={
                    "target": {"kind": "openai_chat", "base_url": endpoint.base_url, "model": version},
                    "prompt": {"user": "{{ question }}"},
                },
                by=people["platform"],
                at=clock.now(),
            )
            for version in ("v1", "v2")
        ]
        question = submission.Question(
            component=row,
            candidate=versions[1],
            baseline=versions[0],
            dataset_version=experiments.dataset_version(people["custodian"], examples=100),
            policy=row.policy,
        )
        experiment = submission.submit(question, by=people["owner"], at=clock.now())
        runner.drain()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "the prompt names 'question', which the example lacks" in experiment.reason
    assert endpoint.calls == []


# An endpoint that asks to slow down


def test_an_endpoint_that_asks_for_a_second_gets_it(run):
    asked_at = []

    def behave(call):
        if asked(call) == 4 and call.model == "v1.1.0":
            asked_at.append(time.monotonic())
            if call.nth == 1:
                return Reply(b"", 429, {"Retry-After": "1"})
        return adds(call)

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=10)
    assert outcomes(experiment) == {Outcome.ANSWERED: 20}
    first, second = asked_at
    assert second - first >= 1


@pytest.mark.parametrize("asks", ["nan", "-3", "inf soon", "Fri, 31 Dec 2027 23:59:59 GMT", ""])
def test_an_unreadable_retry_after_is_a_plain_back_off(run, asks):
    with serve(fails(429, on={1, 2, 3}, times=1, **{"Retry-After": asks})) as endpoint:
        experiment = run(endpoint, examples=10)
    assert outcomes(experiment) == {Outcome.ANSWERED: 20}
    assert len(endpoint.calls) == 26


def test_being_asked_to_slow_down_is_never_the_fault_of_the_example(run):
    with serve(fails(429, on={5}, times=8, **{"Retry-After": "0"})) as endpoint:
        experiment = run(endpoint, examples=10)
    assert outcomes(experiment) == {Outcome.ANSWERED: 20}
    assert set(experiment.outputs.values_list("attempts", flat=True)) == {1}
    assert Counter(asked(call) for call in endpoint.calls)[5] == 18


# An endpoint that answers nonsense


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param(b"<!doctype html><title>Sign in</title>", id="html"),
        pytest.param(b'{"choices": []}', id="no choice"),
        pytest.param(b'{"choices": [{"message": {"content": null}}]}', id="no text"),
        pytest.param(b'["choices"]', id="a list"),
        pytest.param(b"[" * 100_000, id="brackets"),
        pytest.param(b"\x00\xff\x00", id="bytes"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_nonsense_ends_undecided_and_the_reason_shows_it(run, nonsense):
    with serve(always(Reply(nonsense))) as endpoint:
        experiment = run(endpoint, examples=10)
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "nonsense: not a chat completion with choices[0].message.content" in experiment.reason
    assert (
        "10 of 10 calls of the baseline failed, more than the 5% that the policy allows" in experiment.reason
    )
    assert len(endpoint.calls) == 40
    assert experiment.verdicts.count() == 0


def test_an_answer_without_end_is_cut_off_and_called_nonsense(run):
    reply = Reply(b'{"x": "' + b"y" * (5 * 1024 * 1024) + b'"}')
    with serve(always(reply)) as endpoint:
        experiment = run(endpoint, examples=2)
    assert "nonsense: an answer of more than 4194304 bytes" in experiment.reason


def test_owner_and_custodian_learn_of_an_experiment_without_a_verdict(run, people):
    with serve(always(Reply(b"{}"))) as endpoint:
        experiment = run(endpoint, examples=10)
    told = Notification.objects.filter(dedupe_key=f"experiment-undecided:{experiment.public_id}")
    assert {row.recipient for row in told} == {people["owner"], people["custodian"]}


def test_as_many_errors_as_the_policy_allows_still_give_a_verdict(run):
    # 5 % of 20 examples is one.
    with serve(fails(400, on={0})) as endpoint:
        assert run(endpoint, examples=20).status == ExperimentStatus.DECIDED
    with serve(fails(400, on={0, 1})) as endpoint:
        assert run(endpoint, examples=20, name="other").status == ExperimentStatus.UNDECIDED


# An endpoint that is down for a while


def test_a_down_endpoint_leaves_the_experiment_waiting_with_growing_pauses(people):
    experiment = experiments.submitted(**people)
    pauses = []
    for _ in range(4):
        before = clock.now()
        experiment = step(experiment)
        pauses.append((experiment.next_attempt_at - before).total_seconds())
    assert experiment.status == ExperimentStatus.WAITING
    assert "The endpoint does not answer" in experiment.reason
    assert experiment.failed_attempts == 4
    # From half of 2, 4, 8, 16 seconds to all of it, and a little for the attempt itself.
    assert [pause >= 2**n / 2 for n, pause in enumerate(pauses, start=1)] == [True] * 4
    assert [pause <= 2**n + 2 for n, pause in enumerate(pauses, start=1)] == [True] * 4


def test_an_outage_uses_up_no_try_of_any_example(people):
    experiment = step(experiments.submitted(**people))
    states = set(experiment.outputs.values_list("state", "attempts", "lease_token"))
    assert states == {(OutputState.OPEN, 0, None)}


def test_a_waiting_experiment_is_left_alone_until_its_time(people):
    experiment = step(experiments.submitted(**people))
    assert experiment in Experiment.objects.due(experiment.next_attempt_at)
    earlier = experiment.next_attempt_at - dt.timedelta(milliseconds=1)
    assert experiment not in Experiment.objects.due(earlier)


def test_the_owner_is_told_once_per_wait(people, impatient):
    def waits_told():
        return Notification.objects.filter(
            recipient=people["owner"], dedupe_key__startswith="experiment-waits:"
        ).count()

    with serve(adds) as endpoint:
        endpoint.down()
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, concurrency=8)
        for _ in range(3):
            experiment = step(experiment)
        assert waits_told() == 1

        # It comes up, answers some, and breaks again: that is a second wait.
        def breaks_after(call):
            return adds(call) if len(endpoint.calls) <= 20 else Reply(b"", 503)

        endpoint.behaviour = breaks_after
        endpoint.up()
        experiment = step(experiment)
        assert experiment.status == ExperimentStatus.WAITING
        assert 0 < experiment.outputs.filter(state=OutputState.DONE).count() < 60
        experiment = step(experiment)
        assert waits_told() == 2


def test_an_endpoint_that_comes_back_finds_nothing_lost(people, impatient):
    with serve(adds) as endpoint:
        endpoint.down()
        experiment = step(experiments.submitted(**people, base_url=endpoint.base_url))
        assert experiment.status == ExperimentStatus.WAITING
        endpoint.up()
        time.sleep(0.3)
        runner.drain()
        experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.DECIDED
    assert (experiment.reason, experiment.failed_attempts, experiment.next_attempt_at) == ("", 0, None)
    assert outcomes(experiment) == {Outcome.ANSWERED: 60}
    assert len(endpoint.calls) == 60


def test_an_endpoint_that_never_answers_is_down(people, settings):
    settings.DRAIN_SECONDS = 5
    with serve(adds, latency_s=0.5) as endpoint:
        experiment = step(experiments.submitted(**people, base_url=endpoint.base_url, timeout_ms=50))
    assert experiment.status == ExperimentStatus.WAITING
    assert experiment.reason == "The endpoint does not answer: no answer within 50 ms"


def test_a_host_that_left_the_allow_list_is_not_called(people, settings, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url)
        settings.TARGET_HOSTS = []
        runner.drain()
        experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "EVALTRACK_TARGET_HOSTS" in experiment.reason
    assert endpoint.calls == []


# A store that is down, and one that lies


def test_a_missing_store_leaves_the_experiment_waiting_and_tells_the_custodian(people, settings, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url)
        away = settings.STORE_DIR.with_name("away")
        settings.STORE_DIR.rename(away)
        experiment = step(step(experiment))
        assert experiment.status == ExperimentStatus.WAITING
        assert "The dataset store does not answer" in experiment.reason
        told = Notification.objects.filter(dedupe_key__startswith="experiment-waits:")
        assert [row.recipient for row in told] == [people["custodian"]]
        away.rename(settings.STORE_DIR)
        experiment = step(experiment)
    assert experiment.status == ExperimentStatus.DECIDED
    assert outcomes(experiment) == {Outcome.ANSWERED: 60}


def test_tampered_rows_end_undecided(people, settings, impatient):
    experiment = experiments.submitted(**people)
    manifest = experiment.dataset_version.manifest
    for blob in settings.STORE_DIR.rglob("*"):
        if blob.is_file() and blob.name != manifest:
            blob.write_bytes(b"something else")
    runner.drain()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "was altered in the store; restore it from a backup" in experiment.reason


def test_a_store_that_goes_away_before_the_verdict_loses_no_answer(people, settings, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url)
        planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
        Output.objects.filter(experiment=experiment).update(
            state=OutputState.DONE, outcome=Outcome.ANSWERED, text="1", finished_at=clock.now()
        )
        away = settings.STORE_DIR.with_name("away")
        settings.STORE_DIR.rename(away)
        experiment = step(experiment)
        assert experiment.status == ExperimentStatus.WAITING
        shutil.move(away, settings.STORE_DIR)
        assert step(experiment).status == ExperimentStatus.DECIDED
    assert endpoint.calls == []


# Cancelling


def test_a_cancelled_experiment_asks_nothing_more(people, impatient):
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, concurrency=2)

        def cancels_half_way(call):
            if len(endpoint.calls) == 10:
                cancelled.set()
            return adds(call)

        cancelled = threading.Event()
        endpoint.behaviour = cancels_half_way
        goes_on = runner.experiment_goes_on

        # The owner's act, in the moment between two looks of the runner; it shares this thread's connection.
        def owner_cancels(row):
            if cancelled.is_set() and goes_on(row):
                submission.cancel(
                    Experiment.objects.with_names().get(pk=row.pk), by=people["owner"], at=clock.now()
                )
            return goes_on(row)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(runner, "experiment_goes_on", owner_cancels)
            runner.drain()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.CANCELLED
    assert len(endpoint.calls) < 20
    assert not experiment.outputs.filter(state=OutputState.LEASED).exists()
    assert experiment.verdicts.count() == 0


# Leases


@pytest.fixture
def planned(people):
    """An experiment whose work is laid out, with its runs and their limit."""
    experiment = experiments.submitted(**people, examples=10)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    runs = list(Run.objects.filter(experiment=experiment))
    return experiment, runs, {runs[0].endpoint_id: 4}


ANSWER = ChatAnswer("1", 20, 8, 1, "stop", "mock", "")


def test_an_answer_that_comes_after_the_lease_was_given_on_is_refused(planned, settings):
    experiment, runs, limits = planned
    early, late, at = uuid.uuid4(), uuid.uuid4(), clock.now()
    [first, *_] = claims.claim(experiment, runs, limits, token=early, at=at)
    after = at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)
    assert claims.reap(at=after) == 4
    again = claims.claim(experiment, runs, limits, token=late, at=after)
    assert first.id in {claimed.id for claimed in again}
    assert claims.record_answers([(first.id, ANSWER, "")], token=early, at=after) == 0
    assert Output.objects.get(pk=first.id).state == OutputState.LEASED
    assert claims.record_answers([(first.id, ANSWER, "")], token=late, at=after) == 1
    assert claims.record_answers([(first.id, ANSWER, "")], token=late, at=after) == 0


def test_a_lease_that_is_renewed_is_not_taken_back(planned, settings):
    experiment, runs, limits = planned
    token, at = uuid.uuid4(), clock.now()
    claims.claim(experiment, runs, limits, token=token, at=at)
    later = at + dt.timedelta(seconds=settings.LEASE_SECONDS - 1)
    claims.renew(token, at=later)
    assert claims.reap(at=at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)) == 0
    assert claims.reap(at=later + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)) == 4


def test_a_lease_of_a_dead_worker_takes_a_place_until_it_ends(planned, settings):
    experiment, runs, limits = planned
    at = clock.now()
    claims.claim(experiment, runs, limits, token=uuid.uuid4(), at=at)
    assert claims.claim(experiment, runs, limits, token=uuid.uuid4(), at=at) == []
    after = at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)
    claims.reap(at=after)
    assert len(claims.claim(experiment, runs, limits, token=uuid.uuid4(), at=after)) == 4


def test_an_output_that_kills_five_workers_is_given_up(planned, settings):
    experiment, runs, limits = planned
    at = clock.now()
    for _ in range(claims.MOST_ATTEMPTS):
        claims.claim(experiment, runs, limits, token=uuid.uuid4(), at=at)
        at += dt.timedelta(seconds=settings.LEASE_SECONDS + 1)
        claims.reap(at=at)
    dead = experiment.outputs.filter(outcome=Outcome.TARGET_ERROR)
    assert {row.error for row in dead} == {"the worker died 5 times while asking for this output"}
    assert dead.count() == 4
    assert experiment.outputs.filter(state=OutputState.OPEN).count() == 16


def test_the_arms_answer_an_example_side_by_side_and_in_no_fixed_order(planned):
    experiment, _, _ = planned
    rows = list(experiment.outputs.order_by("order").values_list("example_id", "run__arm"))
    neighbours = [rows[n : n + 2] for n in range(0, len(rows), 2)]
    assert all(one[0] == other[0] and one[1] != other[1] for one, other in neighbours)
    assert {one[1] for one, _ in neighbours} == {"baseline", "candidate"}


def test_laying_out_the_work_twice_is_a_conflict_and_changes_nothing(people):
    experiment = experiments.submitted(**people, examples=10)
    seen_by_two = [Experiment.objects.with_names().get(pk=experiment.pk) for _ in range(2)]
    planning.start(seen_by_two[0], at=clock.now())
    with pytest.raises(Conflict):
        planning.start(seen_by_two[1], at=clock.now())
    assert experiment.outputs.count() == 20


def test_what_nobody_foresaw_in_one_experiment_does_not_stop_the_others(people, impatient, caplog):
    with serve(adds) as endpoint:
        broken = experiments.submitted(**people, base_url=endpoint.base_url, examples=10, name="broken")
        sound = experiments.submitted(**people, base_url=endpoint.base_url, examples=10, name="sound")
        # A configuration that no act would accept: somebody reached past them.
        type(broken.candidate).objects.filter(pk=broken.candidate_id).update(configuration={"target": 5})
        runner.drain()
    for row in (broken, sound):
        row.refresh_from_db()
    assert sound.status == ExperimentStatus.DECIDED
    assert broken.status in {ExperimentStatus.QUEUED, ExperimentStatus.UNDECIDED}


def test_a_burst_of_server_errors_is_an_outage_also_where_few_calls_are_in_flight(people, settings):
    """With two calls in flight, eight failures in a row can never be seen at once."""
    settings.DRAIN_SECONDS = 1
    down = threading.Event()
    down.set()

    def behave(call):
        return Reply(b"", 500) if down.is_set() else adds(call)

    with serve(behave) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=20, concurrency=2)
        for _ in range(3):
            Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)
            runner.drain()
        experiment.refresh_from_db()
        assert experiment.status == ExperimentStatus.WAITING
        # Others are asked before what has failed, so that none uses up its tries.
        assert experiment.outputs.filter(attempts__gt=0).count() >= 4
        assert not experiment.outputs.filter(state="done").exists()
        down.clear()
        settings.DRAIN_SECONDS = 20
        Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)
        experiment.outputs.update(not_before=None)
        runner.drain()
    assert outcomes(experiment) == {Outcome.ANSWERED: 40}
