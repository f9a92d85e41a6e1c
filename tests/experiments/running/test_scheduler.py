"""The scheduler against a real endpoint that answers, refuses, stammers, throttles, or is gone."""

import threading
import time
import uuid
from collections import Counter

import pytest
from django.db import connection

from evaltrack import clock
from evaltrack.notifications.models import Notification
from experiments import registration, submission
from experiments.models import Experiment, ExperimentStatus, Outcome, OutputState, Run
from experiments.running import claims, planning, scheduler
from experiments.running.worker import Worker
from tests.endpoint import HANGS_UP, Reply, adds, always, asked, fails, says, serve, wrong_on
from tests.factories import experiments


def outcomes(experiment) -> Counter:
    return Counter(experiment.outputs.values_list("outcome", flat=True))


def step(experiment) -> Experiment:
    """One turn of the experiment, due or not."""
    Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)
    experiment.outputs.update(not_before=None)
    scheduler.drain(patient=False)
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
        scheduler.drain()
    last = max(gate.outputs.values_list("finished_at", flat=True))
    # The 15 in flight beside the last one may come before it; taking turns would let 20 come.
    assert slow.outputs.filter(finished_at__lte=last).count() <= 15


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
        in_threads(scheduler.drain, scheduler.drain)
        # Whatever a drain had left to the other is there for the next one.
        scheduler.drain()
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
    endpoint_of = dict(Run.objects.filter(experiment=experiment).values_list("pk", "endpoint_id"))
    room = dict.fromkeys(endpoint_of.values(), 10)
    taken = []

    def claim():
        taken.append(claims.claim(experiment, endpoint_of, room, token=uuid.uuid4(), at=clock.now()))

    in_threads(claim, claim, claim)
    ids = [claimed.id for some in taken for claimed in some]
    assert len(ids) == len(set(ids)) == 30


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
        scheduler.drain()
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


@pytest.mark.parametrize("asks", ["nan", "-3", "inf soon", "Fri, 31 Dec 2021 23:59:59 GMT", ""])
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
    ("nonsense", "said"),
    [
        pytest.param(b"<!doctype html><title>Sign in</title>", "not JSON", id="html"),
        pytest.param(b'{"choices": []}', "not a chat completion", id="no choice"),
        pytest.param(b'{"choices": [{"message": {"content": null}}]}', "not a chat completion", id="no text"),
        pytest.param(b'["choices"]', "not a chat completion", id="a list"),
        pytest.param(b"[" * 100_000, "not JSON", id="brackets"),
        pytest.param(b"\x00\xff\x00", "not JSON", id="bytes"),
        pytest.param(b"", "not JSON", id="nothing"),
    ],
)
def test_nonsense_ends_undecided_and_the_reason_shows_it(run, nonsense, said):
    with serve(always(Reply(nonsense))) as endpoint:
        experiment = run(endpoint, examples=10)
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert f"nonsense: {said}" in experiment.reason
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


# Cancelling


def test_a_cancelled_experiment_asks_nothing_more(people, impatient):
    with serve(adds, latency_s=0.05) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, concurrency=2)
        looks = Worker.look_what_is_due

        # The owner's act, in the moment between two looks of the worker; it shares this thread's connection.
        def owner_cancels(worker):
            row = Experiment.objects.with_names().get(pk=experiment.pk)
            if len(endpoint.calls) >= 10 and row.status != ExperimentStatus.CANCELLED:
                submission.cancel(row, by=people["owner"], at=clock.now())
            looks(worker)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Worker, "look_what_is_due", owner_cancels)
            scheduler.drain()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.CANCELLED
    # At most what is asked until the next look, five times a second.
    assert len(endpoint.calls) < 40
    assert not experiment.outputs.filter(state=OutputState.LEASED).exists()
    assert experiment.verdicts.count() == 0
