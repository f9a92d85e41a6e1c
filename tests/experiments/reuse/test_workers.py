"""Workers that die, come late or come together; looks, judges, and what looking costs."""

import datetime as dt
import uuid
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from datasets import sampling
from datasets.shelf import Shelf
from evaltrack import clock
from evaltrack.canonical import digest
from experiments import extension, registration, submission
from experiments.models import Experiment, Outcome, Output, OutputState
from experiments.recomputation import recompute
from experiments.running import claims, planning, reuse, scheduler
from experiments.running.held import Held
from experiments.running.opening import opened
from tests.endpoint import adds, serve
from tests.experiments.judging.playing import scores, with_judge
from tests.experiments.reuse.playing import EXAMPLES, METRICS, SUITE, again, reused, submitted_again
from tests.experiments.running.test_scheduler import in_threads
from tests.factories import experiments, judges

pytestmark = pytest.mark.django_db


def opening_of(experiment, *, at):
    """As a worker of its own takes it up."""
    return opened(Experiment.objects.with_names().get(pk=experiment.pk), uuid.uuid4(), at=at, shelf=Shelf())


def test_a_worker_that_dies_between_looking_and_writing_loses_nothing_and_doubles_nothing(
    first, monkeypatch, settings
):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        further = submitted_again(experiment)
        planning.start(Experiment.objects.with_names().get(pk=further.pk), at=clock.now())
        at = clock.now()
        each = opening_of(further, at=at)

        def dies(*args, **kwargs):
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(reuse, "update_rows", dies)
            with pytest.raises(KeyboardInterrupt):
                each.claim(dict.fromkeys(each.endpoint_of.values(), 6), at=at)
        assert further.outputs.filter(state=OutputState.LEASED).count() == 6
        assert reused(further) == {}
        assert claims.reap(at=at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1)) == 6
        calls = len(endpoint.calls)
        scheduler.drain()
        assert len(endpoint.calls) == calls
    assert reused(further) == {"baseline": EXAMPLES, "candidate": EXAMPLES}
    assert set(further.outputs.values_list("attempts", "state")) == {(0, "done"), (1, "done")}


def test_a_worker_whose_lease_has_ended_writes_nothing(first, settings):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
        further = submitted_again(experiment)
        planning.start(Experiment.objects.with_names().get(pk=further.pk), at=clock.now())
        at = clock.now()
        late = opening_of(further, at=at)
        room = dict.fromkeys(late.endpoint_of.values(), 4)
        taken = claims.claim(further, late.endpoint_of, room, token=uuid.uuid4(), at=at)
        held = [
            (
                Held(claimed, request := digest(question.body), late.reuse.key(claimed, question, request)),
                question,
            )
            for claimed in taken
            for question in [late.question(claimed, {})]
        ]
        late.reuse.left(held, token=late.token, at=at)
    assert not further.outputs.filter(state=OutputState.DONE).exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_use_each_answer_once(first):
    with serve(adds, latency_s=0.005) as endpoint:
        # All examples ask the same, of both arms: every answer fits every output.
        experiment = first(endpoint, model="alike", examples=60, concurrency=4)
        Output.objects.filter(experiment=experiment).update(cache_key=None)
        keyed = experiment.outputs.order_by("pk")[:70].values("pk")
        Output.objects.filter(pk__in=list(keyed.values_list("pk", flat=True))).update(cache_key="f" * 64)
        further = submitted_again(experiment)
        planning.start(Experiment.objects.with_names().get(pk=further.pk), at=clock.now())
        same = pytest.MonkeyPatch()
        same.setattr(reuse.Reuse, "key", lambda *args: "f" * 64)
        try:
            in_threads(scheduler.drain, scheduler.drain)
            scheduler.drain()
        finally:
            same.undo()
    assert sum(reused(further).values()) == 70
    assert Counter(further.outputs.values_list("outcome", flat=True)) == {Outcome.ANSWERED: 120}
    assert not further.outputs.filter(error__gt="").exists()


def test_an_extension_keeps_what_was_reused_and_takes_no_answer_twice(people, impatient, monkeypatch):
    monkeypatch.setitem(sampling.TIER_SIZES, "standard", 10)
    looks = SUITE | {"looks": {"to": "extended"}}
    with serve(adds) as endpoint:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=30, suite=looks)
        scheduler.drain()
        further = again(Experiment.objects.with_names().get(pk=experiment.pk), suite=looks)
        assert sum(reused(further).values()) == 20
        larger = extension.extend(further, tier="extended", by=people["owner"], at=clock.now())
        scheduler.drain()
    larger = Experiment.objects.with_names().get(pk=larger.pk)
    assert sum(reused(larger).values()) == 20
    assert larger.outputs.filter(reused_from=None).count() == 40
    assert recompute(larger).findings == ()


def test_what_judges_say_is_always_asked(people, impatient):
    with serve(with_judge(scores)) as endpoint:
        judges.judge(people["owner"], people["platform"], base_url=endpoint.base_url)
        suite = judges.suite("judge_rubric") | {"cache": {"salt": "a"}}
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, examples=10, suite=suite)
        scheduler.drain()
        calls = endpoint.asked_by["judge-1"]
        further = again(Experiment.objects.with_names().get(pk=experiment.pk), suite=suite)
        assert endpoint.asked_by["judge-1"] == 2 * calls > 0
    assert sum(reused(further).values()) == 20
    assert not Output.objects.of_judges().exclude(cache_key=None).exists()
    assert recompute(further).findings == ()


def asked_for(collection, room, at):
    with CaptureQueriesContext(connection) as queries:
        collection.claim(dict.fromkeys(collection.endpoint_of.values(), room), at=at)
    return [each["sql"] for each in queries]


def test_looking_costs_the_same_for_many_and_nothing_without_a_cache(first):
    with serve(adds) as endpoint:
        experiment = first(endpoint, examples=60)
        counts = {}
        for name, rules in {"with": SUITE, "without": {"metrics": METRICS}}.items():
            owner = experiment.component.owner
            policy = registration.activate_policy("adder-policy", rules, by=owner, at=clock.now())
            question = submission.Question(**{**vars(submission.question_of(experiment)), "policy": policy})
            further = submission.submit(question, by=owner, at=clock.now())
            planning.start(Experiment.objects.with_names().get(pk=further.pk), at=clock.now())
            each = opening_of(further, at=clock.now())
            counts[name] = [asked_for(each, room, clock.now()) for room in (2, 60)]
    (few, many), (plain, as_many) = counts["with"], counts["without"]
    assert sum("cache_key" in sql for sql in few) == sum("cache_key" in sql for sql in many)
    assert not any("cache_key" in sql or "reused_from" in sql for sql in [*plain, *as_many])
    written = sum(sql.startswith("UPDATE") for sql in many)
    assert len(many) - written == len(few) - sum(sql.startswith("UPDATE") for sql in few)


@pytest.mark.postgresql
def test_an_answer_is_found_by_the_index_however_many_there_are(first):
    with serve(adds) as endpoint:
        experiment = first(endpoint)
    run = experiment.runs.first()
    columns = (
        "run_id, experiment_id, position, repeat, example_id, state, attempts, outcome, text, error, "
        "finish_reason, request_digest, endpoint_model, endpoint_fingerprint, finished_at, cache_key"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO experiments_output ({columns}, "order") '
            "SELECT %s, %s, n, 0, n::text, 'done', 1, 'answered', '', '', 'stop', '', '', '', now(), md5(n::text), n "
            "FROM generate_series(100, 30100) n",
            [run.pk, experiment.pk],
        )
        cursor.execute("ANALYZE experiments_output")
    further = submitted_again(experiment)
    planning.start(Experiment.objects.with_names().get(pk=further.pk), at=clock.now())
    each = opening_of(further, at=clock.now())
    looking = [sql for sql in asked_for(each, 150, clock.now()) if '"cache_key" IN' in sql]
    assert looking
    for sql in looking:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "output_reusable" in plan, plan
        assert "Seq Scan on experiments_output" not in plan, plan
