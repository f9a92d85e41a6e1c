"""Files of questions: each is asked once, however often workers die, and what is answered is taken once."""

import json
import sys
from collections import Counter
from types import FrameType

import pytest
from django.db.models import F

from evaltrack import clock
from experiments import recomputation, submission
from experiments.batches import looking, rows
from experiments.models import Batch, BatchState, ExperimentStatus, Outcome, Output, OutputState
from experiments.running import claims, scheduler
from tests.batch_endpoint import adds, expired, fails, says
from tests.experiments.batches.conftest import again, look, to_the_end
from tests.factories import experiments

TRACED = ("experiments.batches", "evaltrack.integrations.batch_api")


class Killed(BaseException):
    """As if the process had ended here."""


class Killer:
    """Raises at the nth line that this thread runs in the code of batches; `lines` counts them."""

    def __init__(self, nth: int) -> None:
        self.nth = nth
        self.lines = 0

    def __call__(self, frame: FrameType, event: str, argument: object):
        if not frame.f_globals.get("__name__", "").startswith(TRACED):
            return None
        if event == "line":
            self.lines += 1
            if self.lines == self.nth:
                raise Killed
        return self

    def __enter__(self) -> "Killer":
        sys.settrace(self)
        return self

    def __exit__(self, *exception: object) -> bool:
        sys.settrace(None)
        return exception[0] is Killed


def settled(experiment) -> None:
    """Every output is there once, and right."""
    outputs = Output.objects.filter(experiment=experiment)
    assert set(outputs.values_list("state", "outcome")) == {(OutputState.DONE, Outcome.ANSWERED)}
    for output in outputs:
        assert output.text == str(int(output.example_id[1:]) + 1)


# A process that ends closes its files; this one goes on.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_worker_that_dies_at_any_line_creates_no_batch_twice_and_loses_none(asked, endpoint):
    experiment = asked(examples=10)
    with Killer(0) as uncut:
        look()
    endpoint.ends()
    with Killer(0) as second:
        look()
    settled(experiment)
    every = max(1, (uncut.lines + second.lines) // 60)
    started = len(endpoint.batches)
    for nth in range(1, uncut.lines + second.lines, every):
        # The same outputs once more, as if never asked.
        Batch.objects.all().delete()
        Output.objects.filter(experiment=experiment).update(
            state=OutputState.OPEN, outcome="", text="", finished_at=None, attempts=0
        )
        with Killer(nth):
            look()
        look()
        endpoint.ends()
        with Killer(nth - uncut.lines):
            look()
        look(2)
        settled(experiment)
        made = Counter(batch["metadata"]["evaltrack"] for batch in endpoint.batches[started:])
        assert len(made) == 2, nth
        assert set(made.values()) == {1}, nth
        assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.ENDED}
        assert {str(key) for key in Batch.objects.values_list("key", flat=True)} == set(made)
        started = len(endpoint.batches)


def test_both_arms_are_asked_in_a_file_each_and_judged(asked, endpoint):
    experiment = asked(completion_window="12h")
    assert endpoint.calls == []
    look()
    assert [batch["completion_window"] for batch in endpoint.batches] == ["12h", "12h"]
    for batch in endpoint.batches:
        sent = endpoint.requests(batch)
        assert {(row["method"], row["url"]) for row in sent} == {("POST", "/v1/chat/completions")}
        assert len({row["custom_id"] for row in sent}) == 10
        assert len({row["body"]["model"] for row in sent}) == 1
    assert again(experiment).status == ExperimentStatus.RUNNING
    seen = to_the_end(endpoint, experiment)
    assert seen.status == ExperimentStatus.DECIDED
    settled(experiment)
    output = Output.objects.filter(experiment=experiment).first()
    assert (output.input_tokens, output.endpoint_model, output.latency_ms) == (8, "mock-1", None)
    assert len(output.request_digest) == 64
    assert recomputation.recompute(seen).ok


KEY = 'sk-"keep"-me-secret-4711'


@pytest.fixture
def keyed(settings, monkeypatch):
    settings.TARGET_KEYS = ["BATCH_KEY"]
    monkeypatch.setenv("BATCH_KEY", KEY)


def stored() -> str:
    """Whatever the rows of batches and outputs hold."""
    return repr([list(model.objects.values()) for model in (Batch, Output)])


def test_a_key_that_the_answers_repeat_is_not_stored(asked, endpoint, keyed):
    def answer(request):
        number = int(request["custom_id"])
        if number % 3 == 0:
            return says(request["custom_id"], f"You sent {KEY}.")
        error = {"code": 400, "message": KEY}
        response = {"status_code": 400, "body": {"error": error}} if number % 3 == 1 else None
        return {"custom_id": request["custom_id"], "response": response, "error": error}

    experiment = asked(api_key_env="BATCH_KEY")
    look()
    endpoint.ends(answer=answer)
    look()
    assert {call[2] for call in endpoint.calls} == {f"Bearer {KEY}"}
    assert "You sent [secret removed]." in set(Output.objects.values_list("text", flat=True))
    assert Output.objects.filter(experiment=experiment, error__contains="[secret removed]").exists()
    assert "keep" not in stored()


def test_a_key_that_a_failed_batch_repeats_is_not_stored(asked, endpoint, keyed):
    asked(api_key_env="BATCH_KEY")
    look()
    endpoint.ends("failed", errors={"data": [{"message": f"{KEY} is not welcome"}]})
    look()
    assert "[secret removed] is not welcome" in stored()
    assert "keep" not in stored()


def test_while_it_goes_on_it_is_looked_at_now_and_then_and_nothing_is_asked(asked, endpoint):
    asked()
    look(3)
    assert len(endpoint.batches) == 2
    assert Counter(path for _, path, _ in endpoint.calls)["files"] == 2
    calls = len(endpoint.calls)
    looking.look_at_all()
    assert len(endpoint.calls) == calls
    assert claims.reap(at=clock.now()) == 0


def test_a_batch_whose_creation_was_not_heard_of_is_found_again(asked, endpoint):
    experiment = asked()
    endpoint.loses = {"POST batches"}
    look()
    assert len(endpoint.batches) == 2
    look()
    assert len(endpoint.batches) == 2
    assert to_the_end(endpoint, experiment).status == ExperimentStatus.DECIDED


def test_it_is_found_behind_others(asked, endpoint):
    asked()
    endpoint.loses = {"POST batches"}
    look()
    others = [{"id": f"batch_{n}", "status": "completed", "input_file_id": f"f{n}"} for n in range(7)]
    endpoint.batches += others
    look()
    assert len(endpoint.batches) == 9


def test_of_two_workers_one_looks(asked, endpoint):
    asked()
    rows.prepare_all(at=clock.now())
    batch = Batch.objects.first()
    token = rows.take(batch, at=clock.now())
    assert token
    assert rows.take(batch, at=clock.now()) is None
    # Whoever held it before may write nothing any more.
    Batch.objects.filter(pk=batch.pk).update(lease_until=batch.created_at)
    assert rows.take(batch, at=clock.now())
    assert not rows.change(batch, token, detail="late")


def test_a_worker_that_read_a_batch_before_another_sent_it_does_not_send_it_again(asked, endpoint):
    asked()
    rows.prepare_all(at=clock.now())
    read_before = list(Batch.objects.all())
    look()
    Batch.objects.update(next_look_at=F("created_at"))
    for batch in read_before:
        assert batch.state == BatchState.PREPARED
        assert rows.take(batch, at=clock.now())
        assert (batch.state, bool(batch.remote_id)) == (BatchState.SENT, True)


def test_a_key_that_is_refused_for_a_while_loses_nothing_that_was_sent(asked, endpoint):
    experiment = asked()
    look()
    endpoint.refuses = {"GET batches": 401}
    look(3)
    endpoint.refuses = {}
    assert to_the_end(endpoint, experiment).status == ExperimentStatus.DECIDED


def test_what_is_left_of_one_that_expired_is_asked_again_and_then_ends(asked, endpoint):
    experiment = asked()

    def half(request):
        return adds(request) if int(request["custom_id"]) % 4 < 2 else None

    def late(request):
        return None if int(request["custom_id"]) % 4 < 2 else expired(request)

    look()
    endpoint.ends("expired", answer=half, error=late)
    look()
    done = Output.objects.filter(experiment=experiment, state=OutputState.DONE)
    assert (done.count(), set(done.values_list("outcome", flat=True))) == (10, {Outcome.ANSWERED})
    for _ in range(2):
        look()
        print(
            [(b.state, b.detail, b.requests) for b in Batch.objects.all()],
            Output.objects.values_list("state", "attempts").distinct(),
        )
        assert sum(len(endpoint.requests(batch)) for batch in endpoint.batches[-2:]) == 10
        endpoint.ends("expired", answer=lambda request: None, error=late)
        look()
    assert not Output.objects.filter(experiment=experiment).exclude(state=OutputState.DONE).exists()
    scheduler.drain()
    seen = again(experiment)
    assert seen.status == ExperimentStatus.UNDECIDED
    assert "batch_expired: late" in seen.reason
    assert len(endpoint.batches) == 6


def test_each_request_fails_for_itself(asked, endpoint):
    experiment = asked()

    def answer(request):
        place = int(request["custom_id"]) % 5
        return {
            0: fails(request, 400),
            1: says(request["custom_id"], "x\x00y"),
            2: {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": {}}},
            3: fails(request, 500),
            4: adds(request),
        }[place]

    look()
    endpoint.ends(answer=answer)
    look()
    outputs = Output.objects.filter(experiment=experiment)
    errors = sorted(outputs.filter(state=OutputState.DONE).exclude(error="").values_list("error", flat=True))
    assert [error.partition(":")[0] for error in errors] == ["nonsense"] * 4 + ["rejected"] * 4
    assert outputs.filter(text="x\N{SYMBOL FOR NULL}y").count() == 4
    assert outputs.exclude(state=OutputState.DONE).count() == 4


def test_lines_that_answer_nothing_of_it_change_nothing(asked, endpoint, people):
    experiment = asked()
    other = experiments.measured(**people, name="other")
    before = list(other.outputs.order_by("pk").values_list("text", flat=True))
    names = (str(other.outputs.first().pk), "no number", "-1")
    foreign = [*(says(name, "stolen") for name in names), {"custom_id": 5}]
    extra = b"".join(json.dumps(row).encode() + b"\n" for row in foreign) + b"not json\n[]\n\xff\n"
    look()
    endpoint.ends(extra=extra + json.dumps(says("9" * 30, "x")).encode() + b"\n")
    look()
    settled(experiment)
    assert list(other.outputs.order_by("pk").values_list("text", flat=True)) == before


def test_of_two_lines_for_one_output_the_first_counts(asked, endpoint):
    experiment = asked()
    look()
    extra = b"".join(
        json.dumps(says(row["custom_id"], "another")).encode() + b"\n"
        for batch in endpoint.batches
        for row in endpoint.requests(batch)
    )
    endpoint.ends(extra=extra)
    look()
    settled(experiment)


@pytest.mark.parametrize(
    ("call", "status"),
    [("POST files", 400), ("POST batches", 401), ("GET batches", 403), ("POST batches", 302)],
)
def test_an_endpoint_that_says_no_ends_the_experiment_and_says_why(asked, endpoint, call, status):
    experiment = asked()
    endpoint.refuses = {call: status}
    look()
    scheduler.drain()
    seen = again(experiment)
    assert seen.status == ExperimentStatus.UNDECIDED
    assert f"rejected: HTTP {status}" in seen.reason


@pytest.mark.parametrize("call", ["POST files", "POST batches", "GET batches", "GET files"])
@pytest.mark.parametrize("status", [500, 503, 429])
def test_an_endpoint_that_is_down_is_tried_again(asked, endpoint, call, status):
    experiment = asked()
    if call.startswith("GET"):
        look()
        endpoint.ends()
    endpoint.refuses = {call: status}
    look(3)
    assert again(experiment).status == ExperimentStatus.RUNNING
    batch = Batch.objects.exclude(state=BatchState.ENDED).first()
    assert batch.failed_looks >= 3
    assert str(status) in batch.detail
    assert batch.next_look_at > clock.now()
    endpoint.refuses = {}
    assert to_the_end(endpoint, experiment).status == ExperimentStatus.DECIDED


def test_one_that_the_endpoint_does_not_know_any_more_ends(asked, endpoint):
    experiment = asked()
    look()
    endpoint.batches.clear()
    look(looking.MOST_REFUSED)
    assert again(experiment).status == ExperimentStatus.RUNNING
    look()
    scheduler.drain()
    assert "HTTP 404" in again(experiment).reason


def test_a_file_that_the_endpoint_finds_wrong_ends_it(asked, endpoint):
    experiment = asked()
    look()
    endpoint.ends("failed", answer=lambda request: None, errors={"data": [{"message": "bad model"}]})
    look()
    scheduler.drain()
    assert "bad model" in again(experiment).reason


def test_one_that_was_cancelled_there_is_not_asked_again(asked, endpoint):
    experiment = asked()
    look()
    endpoint.ends(
        "cancelled", answer=lambda request: adds(request) if int(request["custom_id"]) % 2 else None
    )
    look(2)
    scheduler.drain()
    assert len(endpoint.batches) == 2
    assert Output.objects.filter(experiment=experiment, outcome=Outcome.ANSWERED).count() == 10
    assert "cancelled there" in again(experiment).reason


def test_cancelling_an_experiment_cancels_its_batches(asked, endpoint, owner):
    experiment = asked()
    look()
    submission.cancel(again(experiment), by=owner, at=clock.now())
    look()
    assert {batch["status"] for batch in endpoint.batches} == {"cancelled"}
    assert set(Batch.objects.values_list("state", flat=True)) == {BatchState.ENDED}
    calls = len(endpoint.calls)
    look(2)
    assert len(endpoint.calls) == calls


def test_a_batch_that_nobody_heard_of_is_cancelled_too(asked, endpoint, owner):
    experiment = asked()
    endpoint.loses = {"POST batches"}
    look()
    submission.cancel(again(experiment), by=owner, at=clock.now())
    look()
    assert {batch["status"] for batch in endpoint.batches} == {"cancelled"}


def test_a_secret_is_sent_from_the_environment(asked, endpoint, settings, monkeypatch):
    settings.TARGET_KEYS = ["BATCH_KEY"]
    monkeypatch.setenv("BATCH_KEY", "s3cret")
    experiment = asked(api_key_env="BATCH_KEY")
    assert to_the_end(endpoint, experiment).status == ExperimentStatus.DECIDED
    assert {sent for _, _, sent in endpoint.calls} == {"Bearer s3cret"}


def test_a_host_that_is_no_longer_listed_is_not_called(asked, endpoint, settings):
    experiment = asked()
    settings.TARGET_HOSTS = []
    look()
    scheduler.drain()
    assert endpoint.calls == []
    assert "is not on the list of hosts" in again(experiment).reason


def test_ids_that_would_lead_elsewhere_are_not_used(asked, endpoint):
    asked()
    look()
    endpoint.ends(answer=lambda request: None, output_file_id="../../admin")
    look()
    assert not [path for _, path, _ in endpoint.calls if "admin" in path]
    assert "no usable id" in Batch.objects.first().detail


def test_a_large_run_is_asked_in_several_files(asked, endpoint, monkeypatch):
    monkeypatch.setattr(rows, "MOST_REQUESTS", 4)
    experiment = asked(examples=10)
    look()
    assert sorted(len(endpoint.requests(batch)) for batch in endpoint.batches) == [2, 2, 4, 4, 4, 4]
    assert to_the_end(endpoint, experiment).status == ExperimentStatus.DECIDED


def test_the_page_says_where_a_batch_is(asked, endpoint, owner, client):
    experiment = asked()
    look()
    client.force_login(owner)
    shown = client.get(experiment.get_absolute_url()).content.decode()
    assert "10 requests, sent (in_progress there)" in shown
