"""What endpoints answered is kept whole where the policy says so, and holds no key that was sent to them."""

import base64
import json
import uuid
import zlib
from contextlib import suppress

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.canonical import sha256_hex
from evaltrack.errors import Invalid
from evaltrack.integrations.model_api import Answer
from evaltrack.integrations.replies import LONGEST_KEPT, Reply, without
from experiments import recomputation
from experiments.models import Experiment, Outcome, Output, RawReply, Run
from experiments.running import claims, planning
from experiments.suite import parse
from tests import endpoint as endpoints
from tests.endpoint import adds, asked, says, serve
from tests.experiments.judging.playing import scores, with_judge
from tests.experiments.reuse.playing import SUITE as REUSING
from tests.experiments.reuse.playing import again
from tests.factories import experiments, judges

pytestmark = pytest.mark.django_db
KEEPING = experiments.SUITE | {"keep_replies": True}
# What a header can carry, and JSON has to escape or may.
KEY = 'k3y-"quo\\ted"/<a>+&-0123456789'
LOOSE = {"max_error_share": 0.9}


def repeats_the_key(call):
    """As an error does that quotes the request, each question in a way of its own."""
    header = call.authorization
    assert header == f"Bearer {KEY}"
    numbered = "".join(f"\\u{ord(each):04X}" for each in header)
    return {
        1: endpoints.Reply(json.dumps({"error": {"headers": dict(call.headers)}}).encode(), 401),
        2: says(f"You sent {header}."),
        3: endpoints.Reply(
            b'{"dump": "%b"}' % base64.b64encode(f"POST / HTTP/1.1\n{header}\n".encode()), 400
        ),
        4: endpoints.Reply(f'{{"error": "{numbered}"}}'.encode(), 400),
        5: endpoints.Reply(f"<p>{header}</p>".encode(), 403),
        6: endpoints.Reply(json.dumps({"body": json.dumps({"key": header})}).encode(), 400),
        7: endpoints.Reply(json.dumps({"at": header}).replace("/", "\\/").encode(), 200),
        8: says("fine", system_fingerprint=header, model=header),
    }.get(asked(call)) or adds(call)


def everything_stored():
    """Whatever texts outputs and replies hold, and what can be read from these."""
    for row in Output.objects.values():
        yield from map(str, row.values())
    for body in map(body_of, RawReply.objects.all()):
        text = body.decode()
        yield text
        with suppress(ValueError):
            document = json.loads(text)
            yield json.dumps(document, ensure_ascii=False)
            for value in map(str, document.values()):
                yield value
                with suppress(ValueError):
                    yield str(json.loads(value))
                with suppress(ValueError):
                    yield base64.b64decode(value).decode(errors="replace")


def body_of(row):
    return zlib.decompress(bytes(row.body))


def reply_to(experiment, example, arm="candidate"):
    return experiment.outputs.get(example_id=example, run__arm=arm).raw_reply


@pytest.mark.parametrize("suite", [KEEPING | LOOSE, experiments.SUITE | LOOSE], ids=["kept", "not kept"])
def test_a_key_that_the_endpoint_repeats_is_nowhere_in_the_database(run, suite, settings, monkeypatch):
    settings.TARGET_KEYS = ["ECHO_KEY"]
    monkeypatch.setenv("ECHO_KEY", KEY)
    with serve(repeats_the_key) as endpoint:
        experiment = run(endpoint, examples=10, suite=suite, api_key_env="ECHO_KEY")
    stored = list(everything_stored())
    for form in (KEY, json.dumps(KEY)[1:-1], KEY[:12], KEY[-12:]):
        assert not [each for each in stored if form in each]
    assert (
        experiment.outputs.get(example_id="q2", run__arm="candidate").text
        == "You sent Bearer [secret removed]."
    )
    if suite.get("keep_replies"):
        for n in range(1, 9):
            assert b"[secret removed]" in body_of(reply_to(experiment, f"q{n}")), n
        # Headers of the answer are no part of it.
        assert b"Content-Length" not in body_of(reply_to(experiment, "q2"))


def test_what_is_too_short_to_guard_anything_is_left_where_it_stands():
    assert without(b"EMPTY and none", ["EMPTY", "none", ""]) == b"EMPTY and none"


def test_replies_of_answers_and_of_errors_are_kept_and_the_same_one_once(run):
    def behave(call):
        return (
            endpoints.Reply(b'{"error": "too long, \xff"}', 400)
            if asked(call) == 3
            else says("4", id="x" * 500)
        )

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=10, suite=KEEPING | LOOSE)
    assert RawReply.objects.count() == 2
    assert not experiment.outputs.filter(raw_reply=None).exists()
    failed, answered = reply_to(experiment, "q3"), reply_to(experiment, "q4", "baseline")
    assert body_of(failed) == b'{"error": "too long, \xff"}'
    assert json.loads(body_of(answered))["id"] == "x" * 500
    for row in (failed, answered):
        assert (row.digest, row.size, row.is_cut) == (sha256_hex(body_of(row)), len(body_of(row)), False)
    assert len(bytes(answered.body)) < answered.size / 2
    assert recomputation.recompute(experiment).ok


def test_without_the_policys_word_nothing_is_kept(run):
    with serve(adds) as endpoint:
        experiment = run(endpoint, examples=10)
    assert not RawReply.objects.exists()
    assert not experiment.outputs.exclude(raw_reply=None).exists()


@pytest.mark.parametrize("given", [1, "yes", None, []])
def test_the_policys_word_is_true_or_false(given):
    with pytest.raises(Invalid, match="keep_replies must be true or false"):
        parse(experiments.SUITE | {"keep_replies": given})


def test_of_several_tries_the_reply_of_the_one_that_counted_is_kept(run):
    def behave(call):
        if asked(call) == 2:
            return endpoints.Reply(f"try {call.nth}".encode(), 500)
        return (
            endpoints.Reply(f"no JSON {call.nth}".encode())
            if asked(call) == 3 and call.nth == 1
            else adds(call)
        )

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=10, suite=KEEPING | LOOSE)
    assert body_of(reply_to(experiment, "q2")) == b"try 5"
    assert json.loads(body_of(reply_to(experiment, "q3")))["choices"]
    assert not [row for row in RawReply.objects.all() if body_of(row).startswith((b"no JSON", b"try 1"))]


def test_where_nothing_came_nothing_is_kept(run):
    def behave(call):
        return {2: endpoints.HANGS_UP, 3: endpoints.Reply(b"", 404)}.get(asked(call)) or adds(call)

    with serve(behave) as endpoint:
        experiment = run(endpoint, examples=10, suite=KEEPING | LOOSE)
    for example in ("q2", "q3"):
        assert experiment.outputs.get(example_id=example, run__arm="baseline").outcome != Outcome.ANSWERED
        assert reply_to(experiment, example, "baseline") is None


def test_of_a_long_reply_the_beginning_is_kept_and_it_says_so(run, settings, monkeypatch):
    settings.TARGET_KEYS = ["ECHO_KEY"]
    monkeypatch.setenv("ECHO_KEY", KEY)
    quoted = json.dumps(KEY)[1:-1].encode()
    # A key that the cut would go through.
    body = b"x" * (LONGEST_KEPT - 5) + quoted + b"y" * 100

    with serve(lambda call: endpoints.Reply(body, 400) if asked(call) == 3 else adds(call)) as endpoint:
        experiment = run(endpoint, examples=10, suite=KEEPING | LOOSE, api_key_env="ECHO_KEY")
    row = reply_to(experiment, "q3")
    assert (row.size, row.is_cut) == (LONGEST_KEPT, True)
    assert body_of(row).endswith(b"xxx[secr")
    assert not Reply.of(b"z" * LONGEST_KEPT).is_cut


def test_an_output_that_went_to_another_worker_leaves_no_reply_behind(people):
    experiment = experiments.submitted(**people, examples=10, suite=KEEPING)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    endpoint_of = dict(Run.objects.filter(experiment=experiment).values_list("pk", "endpoint_id"))
    ours, others, at = uuid.uuid4(), uuid.uuid4(), clock.now()
    room = dict.fromkeys(endpoint_of.values(), 3)
    kept, lost, failed = claims.claim(experiment, endpoint_of, room, token=ours, at=at)
    Output.objects.filter(pk__in=[lost.id, failed.id]).update(lease_token=others)
    answers = [
        claims.Answered(each.id, Answer(text="5", reply=Reply(f'"{n}"'.encode())))
        for n, each in enumerate((kept, lost))
    ]
    assert claims.record_answers(answers, token=ours, at=at) == 1
    failure = claims.CallFailed(claims.Failure.REJECTED, "HTTP 400: no", 0, reply=Reply(b"no"))
    assert claims.give_up(failed, failure, token=ours, at=at) == 0
    assert [body_of(row) for row in RawReply.objects.all()] == [b'"0"']
    assert Output.objects.get(raw_reply__isnull=False).pk == kept.id


def test_an_output_that_has_not_ended_has_no_reply(people):
    experiment = experiments.submitted(**people, examples=10)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    row = RawReply.of(Reply(b"early"))
    row.save()
    with pytest.raises(IntegrityError, match="output_raw_reply_ended_it"), transaction.atomic():
        experiment.outputs.update(raw_reply=row)
    with pytest.raises(IntegrityError, match="raw_reply_named_by_a_digest"), transaction.atomic():
        RawReply.objects.create(digest="early", body=b"", size=0, is_cut=False)


def test_a_reused_answer_names_the_reply_that_it_was_read_from(run):
    suite = REUSING | {"keep_replies": True}
    with serve(adds) as endpoint:
        experiment = run(endpoint, examples=10, suite=suite)
        rows = RawReply.objects.count()
        further = again(experiment, suite=suite)
    outputs = further.outputs.select_related("reused_from")
    assert all(row.raw_reply_id == row.reused_from.raw_reply_id is not None for row in outputs)
    assert RawReply.objects.count() == rows
    assert recomputation.recompute(further).ok


def test_an_extension_keeps_the_replies_with_the_answers(people, run):
    suite = KEEPING | {"looks": {"to": "extended", "spending": "pocock"}}
    with serve(adds) as endpoint:
        smoke = run(endpoint, examples=40, suite=suite, tier="smoke")
    larger = experiments.extended(smoke, experiments.right_for(["candidate"]))
    kept = dict(smoke.outputs.values_list("example_id", "raw_reply").filter(run__arm="candidate"))
    again_kept = larger.outputs.filter(run__arm="candidate", example_id__in=kept)
    assert dict(again_kept.values_list("example_id", "raw_reply")) == kept


def test_what_judges_say_is_kept_as_text_alone(people, run):
    with serve(with_judge(scores)) as endpoint:
        judges.judge(people["owner"], people["platform"], base_url=endpoint.base_url)
        suite = judges.suite("judge_rubric") | {"keep_replies": True}
        experiment = run(endpoint, examples=10, suite=suite)
    told = set(experiment.outputs.exclude(raw_reply=None).values_list("run__arm", flat=True))
    assert told == {"baseline", "candidate"}
    assert experiment.outputs.filter(run__arm="", raw_reply=None).count() == 20
