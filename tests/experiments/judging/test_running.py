"""Judges are asked by the same workers as everybody: killed ones, late ones, several at once, within a budget."""

import datetime as dt
import json
import uuid
from collections import Counter

import pytest
from django.conf import settings

from datasets.shelf import Shelf
from evaltrack import clock
from evaltrack.integrations.model_api import Answer
from evaltrack.notifications.models import Notification
from experiments import extension, pricing, recomputation, submission
from experiments.models import Experiment, ExperimentStatus, Outcome, Output, OutputState
from experiments.running import claims, opening, scheduler
from tests.endpoint import serve, wrong_on
from tests.experiments.cluster import wait_until
from tests.experiments.judging.playing import scores, with_judge
from tests.experiments.running.test_scheduler import in_threads, step
from tests.factories import experiments, judges


def submitted(people, endpoint, *metrics, judge_at="", examples=10, **given) -> Experiment:
    judges.judge(people["owner"], people["platform"], base_url=judge_at or endpoint.base_url)
    also = given.pop("also", {})
    return experiments.submitted(
        **people,
        base_url=endpoint.base_url,
        examples=examples,
        suite=judges.suite(*(metrics or ["judge_rubric"])) | also,
        **given,
    )


def now(experiment) -> Experiment:
    return Experiment.objects.with_names().get(pk=experiment.pk)


def of_judges(experiment):
    return Output.objects.of_judges().filter(experiment=experiment)


@pytest.mark.django_db(transaction=True)
def test_a_killed_worker_loses_and_doubles_no_reply_of_a_judge(people, worker):
    with serve(with_judge(scores, wrong_on("v1.0.0", 2, 3)), latency_s=0.05) as endpoint:
        experiment = submitted(people, endpoint, examples=60, concurrency=8)

        def heard() -> int:
            return of_judges(experiment).filter(state=OutputState.DONE).count()

        with worker() as process:
            wait_until(lambda: heard() >= 20, process, worker.log)
        before = dict(of_judges(experiment).filter(state=OutputState.DONE).values_list("pk", "finished_at"))
        assert 20 <= len(before) < 120
        with worker() as process:
            wait_until(lambda: now(experiment).status == ExperimentStatus.DECIDED, process, worker.log)
    rows = of_judges(experiment).values_list("run__judges__arm", "example_id", "outcome")
    assert Counter(outcome for _, _, outcome in rows) == {Outcome.ANSWERED: 120}
    assert len({(arm, example) for arm, example, _ in rows}) == 120
    assert before.items() <= dict(of_judges(experiment).values_list("pk", "finished_at")).items()
    assert experiment.runs.judging().count() == 2
    assert experiment.verdicts.get().outcome == "PASS"


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_lay_the_judges_out_once(people, impatient):
    with serve(with_judge(scores), latency_s=0.01) as endpoint:
        experiment = submitted(people, endpoint, examples=30, concurrency=4)
        in_threads(scheduler.drain, scheduler.drain, scheduler.drain)
        scheduler.drain()
    assert now(experiment).status == ExperimentStatus.DECIDED, now(experiment).reason
    assert experiment.runs.judging().count() == 2
    assert endpoint.asked_by["judge-1"] == 60


@pytest.mark.django_db
def test_a_reply_that_comes_after_the_lease_has_ended_is_not_written(people, impatient):
    """Whoever was thought dead has its reply all the same; by then another asks, and only that reply counts."""
    with serve(wrong_on("v1.0.0", 2)) as endpoint:
        experiment = submitted(people, endpoint, judge_at="http://127.0.0.1:9/v1")
        step(experiment)
    slow, quick = uuid.uuid4(), uuid.uuid4()
    at = clock.now() + dt.timedelta(hours=1)
    first = opening.opened(now(experiment), slow, at=at, shelf=Shelf())
    held = first.claim(dict.fromkeys(first.endpoint_of.values(), 3), at=at)
    assert len(held) == 3
    claims.reap(at=at + dt.timedelta(seconds=settings.LEASE_SECONDS + 1))
    second = opening.opened(now(experiment), quick, at=at, shelf=Shelf())
    again = second.claim(dict.fromkeys(second.endpoint_of.values(), 3), at=at)
    assert {claimed.id for claimed, _ in again} == {claimed.id for claimed, _ in held}

    def reply(score):
        return Answer(json.dumps({"reason": "", "score": score}))

    assert second.settle([(claimed.id, reply(4)) for claimed, _ in again], at=at) == 3
    assert first.settle([(claimed.id, reply(1)) for claimed, _ in held], at=at) == 0
    done = of_judges(experiment).filter(state=OutputState.DONE)
    assert {json.loads(text)["score"] for text in done.values_list("text", flat=True)} == {4}


@pytest.mark.django_db
def test_while_the_judge_is_down_the_experiment_waits_and_both_owners_are_told(people, impatient, approver):
    with serve(scores) as judge, serve(wrong_on("v1.0.0", 2)) as endpoint:
        judge.down()
        row = judges.judge(approver, people["platform"], base_url=judge.base_url)
        experiment = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=10, suite=judges.suite("judge_rubric")
        )
        experiment = step(experiment)
        experiment = step(experiment)
        assert experiment.status == ExperimentStatus.WAITING
        assert f"The judge {row} does not answer" in experiment.reason
        told = Notification.objects.filter(dedupe_key__startswith="experiment-waits:")
        assert set(told.values_list("recipient", flat=True)) == {people["owner"].pk, approver.pk}
        assert len(endpoint.calls) == 20
        judge.up()
        for _ in range(20):
            scheduler.drain()
            if now(experiment).status == ExperimentStatus.DECIDED:
                break
        assert now(experiment).status == ExperimentStatus.DECIDED
        assert (len(endpoint.calls), judge.asked_by["judge-1"]) == (20, 20)


@pytest.mark.django_db
def test_a_budget_covers_what_judges_cost_and_is_never_overdrawn(people, impatient):
    tariffs = {"v1.0.0": 4, "v1.1.0": 4, "judge-1": 500}
    for model, most in tariffs.items():
        pricing.state(
            model=model,
            tariff=pricing.Tariff(1_000_000, 10_000_000, None, most),
            valid_from=clock.now() - dt.timedelta(days=1),
            by=people["platform"],
            at=clock.now(),
        )
    with serve(with_judge(scores)) as endpoint:
        first = submitted(people, endpoint)
        question = submission.question_of(first)
        submission.cancel(first, by=people["owner"], at=clock.now())
        tight = submission.submit(
            submission.Question(**{**vars(question), "budget_micro": 7_500}),
            by=people["owner"],
            at=clock.now(),
        )
        scheduler.drain()
        tight = now(tight)
        assert tight.committed_micro <= 7_500
        assert tight.status == ExperimentStatus.UNDECIDED
        assert "the budget was spent before it could be asked" in tight.reason
        skipped = of_judges(tight).filter(outcome=Outcome.SKIPPED_BY_BUDGET).count()
        assert 0 < skipped <= 20
        ample = submission.submit(
            submission.Question(**{**vars(question), "budget_micro": 10_000_000}),
            by=people["owner"],
            at=clock.now(),
        )
        scheduler.drain()
    ample = now(ample)
    assert ample.status == ExperimentStatus.DECIDED, ample.reason
    cost = pricing.cost_of(ample)
    assert cost.spent == ample.committed_micro
    assert cost.answered == 40
    assert 0 < cost.of_judges < cost.spent
    assert cost.of_judges == cost.spent - 20 * 18


@pytest.mark.django_db
def test_an_extension_keeps_what_the_judge_said_and_asks_about_the_rest(people, impatient):
    looks = {"looks": {"to": "extended", "spending": "pocock"}}
    with serve(with_judge(scores, wrong_on("v1.0.0", 2))) as endpoint:
        experiment = submitted(people, endpoint, examples=30, tier="smoke", also=looks)
        scheduler.drain()
        assert endpoint.asked_by["judge-1"] == 20
        larger = extension.extend(now(experiment), tier="extended", by=people["owner"], at=clock.now())
        scheduler.drain()
    assert now(larger).status == ExperimentStatus.DECIDED, now(larger).reason
    assert endpoint.asked_by["judge-1"] == 60
    found = recomputation.recompute(now(larger))
    assert found.ok, found.findings
    row = of_judges(larger).filter(finished_at__lt=now(larger).plan.locked_at).first()
    Output.objects.filter(pk=row.pk).update(text=row.text.replace("seems", "seemed"))
    found = recomputation.recompute(now(larger))
    assert any("kept from no earlier look" in finding for finding in found.findings)
