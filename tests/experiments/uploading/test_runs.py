"""From an experiment that waits for outputs to a verdict on those that were brought."""

import datetime as dt
import json
import os
import threading
from pathlib import Path

import pytest
from django.db import connection

from datasets import ingest, versions
from evaltrack import clock
from evaltrack.accounts.roles import Role
from evaltrack.ledger.models import LedgerEntry
from experiments import promotion, recomputation, registration, submission
from experiments.models import Experiment, ExperimentStatus, MetricResult, Output, OutputState, Run
from experiments.running import scheduler
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person
from tests.endpoint import adds, serve
from tests.experiments.uploading.conftest import ARMS, BROUGHT, Bringer, line
from tests.factories import experiments


def again(experiment: Experiment) -> Experiment:
    return Experiment.objects.with_names().get(pk=experiment.pk)


def brought(bringer: Bringer, experiment: Experiment, arm: str, *, wrong: int = 0) -> str:
    """Bring every output that is missing of an arm, the first `wrong` of them wrong, and finish."""
    run = bringer.run(experiment, arm)
    numbers = [int(name[1:]) for name in missing(run)]
    assert bringer.brings(run, [line(n, right=n >= wrong) for n in numbers]).status_code == 201
    answer = bringer.finishes(run)
    assert answer.status_code == 200, answer.json()
    return run


def missing(run: str) -> list[str]:
    rows = Output.objects.filter(run__public_id=run, state=OutputState.OPEN)
    return list(rows.order_by("position").values_list("example_id", flat=True))


def test_nobody_is_asked_and_no_verdict_comes_before_both_arms_are_finished(bringer, asked, impatient):
    experiment = asked()
    scheduler.drain()
    assert again(experiment).status == ExperimentStatus.WAITING
    for arm in ARMS:
        run = bringer.run(experiment, arm)
        bringer.brings(run, [line(n) for n in range(20)])
    scheduler.drain()
    seen = again(experiment)
    assert (seen.status, seen.verdicts.count()) == (ExperimentStatus.WAITING, 0)
    for each in Run.objects.filter(experiment=experiment):
        assert each.endpoint is None
        assert bringer.finishes(str(each.public_id)).json()["status"] == "finished"
    scheduler.drain()
    seen = again(experiment)
    assert (seen.status, seen.verdicts.count()) == (ExperimentStatus.DECIDED, 1)


def test_what_is_waited_for_is_said_and_how_to_bring_it(bringer, asked, impatient, owner):
    experiment = asked()
    scheduler.drain()
    reason = again(experiment).reason
    runs = {run.arm: run for run in experiment.runs.all()}
    for arm in ARMS:
        assert f"The outputs of the {arm} are brought from outside" in reason
        assert f"POST /api/v1/runs/{runs[arm].public_id}/outputs" in reason
    shown = signed_in(owner).get(experiment.get_absolute_url()).content.decode()
    assert "20 of 20 are missing" in shown
    assert "It is tried again by itself" not in shown
    brought(bringer, experiment, "baseline")
    scheduler.drain()
    assert "baseline" not in again(experiment).reason
    described = bringer.client.get(f"/api/v1/experiments/{experiment}").json()
    assert described["status"] == "waiting"
    assert (described["progress"]["total"], described["progress"]["done"]) == (40, 20)


def test_one_arm_is_asked_while_the_other_is_brought(bringer, asked, impatient):
    with serve(adds) as endpoint:
        experiment = asked(baseline=endpoint.base_url)
        scheduler.drain()
        assert len(endpoint.calls) == 20
        assert again(experiment).status == ExperimentStatus.WAITING
        assert "candidate" in again(experiment).reason
        brought(bringer, experiment, "candidate", wrong=15)
        scheduler.drain()
        assert len(endpoint.calls) == 20
    assert again(experiment).verdicts.first().outcome == "FAIL"


def test_a_brought_arm_does_not_hide_an_endpoint_that_fails(bringer, asked, impatient):
    """Outputs that nobody asks for are no reason to leave those that fail for later."""
    with serve(adds) as endpoint:
        address = endpoint.base_url
    experiment = asked(baseline=address)
    scheduler.drain(patient=False)
    assert "endpoint does not answer" in again(experiment).reason
    brought(bringer, experiment, "candidate")
    assert again(experiment).status == ExperimentStatus.WAITING


def test_an_experiment_that_waits_is_not_looked_at_until_somebody_finishes(asked, bringer, impatient):
    experiment = asked()
    scheduler.drain()
    assert not Experiment.objects.due(clock.now()).filter(pk=experiment.pk).exists()
    brought(bringer, experiment, "candidate")
    assert Experiment.objects.due(clock.now()).filter(pk=experiment.pk).exists()


def test_finishing_is_refused_while_outputs_are_missing_and_says_which(bringer, asked):
    experiment = asked()
    run = bringer.run(experiment, "candidate")
    bringer.brings(run, [line(n) for n in range(20) if n not in (3, 7)])
    answer = bringer.finishes(run)
    assert (answer.status_code, answer.json()["code"]) == (409, "outputs_missing")
    assert (answer.json()["missing"], sorted(answer.json()["examples"])) == (2, ["q3", "q7"])
    assert Run.objects.get(public_id=run).brought_at is None
    finished = bringer.finishes(run, missing="error").json()
    assert (finished["status"], finished["missing"]) == ("finished", 0)
    assert Output.objects.get(run__public_id=run, example_id="q3").error == "missing: no output was uploaded"
    assert bringer.finishes(run, missing="perhaps").status_code == 400


def test_finishing_twice_is_finishing_once(bringer, asked):
    experiment = asked()
    run = brought(bringer, experiment, "candidate")
    assert bringer.finishes(run).json() == bringer.finishes(run).json()
    entries = LedgerEntry.objects.filter(event="outputs_uploaded")
    assert entries.count() == 1
    facts = json.loads(bytes(entries.get().canonical))["facts"]
    assert (facts["arm"], facts["outputs"], facts["errors"]) == ("candidate", 20, 0)


def test_the_record_says_who_brought_the_outputs(bringer, asked, impatient):
    experiment = asked()
    for arm in ARMS:
        brought(bringer, experiment, arm)
    scheduler.drain()
    runs = bringer.client.get(f"/api/v1/experiments/{experiment}").json()["runs"]
    assert [(run["endpoint"], run["record"]["collected_by"]) for run in runs] == [(None, "ci")] * 2


def test_what_was_brought_is_computed_again_byte_for_byte(bringer, asked, impatient):
    experiment = asked()
    for arm in ARMS:
        run = bringer.run(experiment, arm)
        bringer.brings(run, [line(n, contexts=[f"{n}"], citations=[]) for n in range(20)])
        bringer.finishes(run)
    scheduler.drain()
    assert recomputation.recompute(again(experiment)).ok
    Output.objects.filter(run__public_id=run, example_id="q3").update(contexts=["another"])
    assert not recomputation.recompute(again(experiment)).ok


# Opening


def test_opening_a_run_locks_the_plan_and_opening_it_again_answers_with_the_same(bringer, asked):
    experiment = asked()
    first = bringer.opened(experiment, "candidate")
    assert first.status_code == 201
    body = first.json()
    assert (body["experiment"], body["arm"], body["status"]) == (experiment.public_id, "candidate", "open")
    assert (body["examples"], body["missing"], body["collected_by"]) == (20, 20, "nobody yet")
    assert again(experiment).plan.digest
    assert again(experiment).status == ExperimentStatus.WAITING
    assert bringer.opened(experiment, "candidate").json() == body
    assert bringer.client.get(f"/api/v1/runs/{body['id']}").json() == body
    assert bringer.opened(experiment, "baseline").json()["id"] != body["id"]


def test_opening_while_the_store_is_down_changes_nothing_and_says_when_to_come_again(
    bringer, asked, settings, tmp_path
):
    experiment = asked()
    there, settings.STORE_DIR = settings.STORE_DIR, tmp_path / "away"
    answer = bringer.opened(experiment, "candidate")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert again(experiment).status == ExperimentStatus.QUEUED
    settings.STORE_DIR = there
    assert bringer.opened(experiment, "candidate").status_code == 201


def test_an_arm_that_is_asked_takes_no_outputs(bringer, asked):
    experiment = asked(baseline="http://127.0.0.1:9/v1")
    answer = bringer.opened(experiment, "baseline")
    assert (answer.status_code, answer.json()["code"]) == (400, "not_uploaded")
    bringer.run(experiment, "candidate")
    other = experiment.runs.get(arm="baseline")
    assert bringer.brings(str(other.public_id), [line(0)]).json()["code"] == "not_uploaded"
    assert bringer.finishes(str(other.public_id)).json()["code"] == "not_uploaded"


@pytest.mark.parametrize("arm", ["", "control", None])
def test_an_arm_that_there_is_not_is_refused(bringer, asked, arm):
    body = {"experiment": asked().public_id, "arm": arm}
    answer = bringer.client.post("/api/v1/runs", body, content_type="application/json")
    assert answer.status_code == 400


def test_a_cancelled_experiment_takes_no_outputs(bringer, asked, owner):
    experiment = asked()
    run = bringer.run(experiment, "candidate")
    bringer.brings(run, [line(0)])
    submission.cancel(again(experiment), by=owner, at=clock.now())
    for answer in (bringer.brings(run, [line(1)]), bringer.finishes(run)):
        assert (answer.status_code, answer.json()["code"]) == (409, "already_ended")
    assert bringer.opened(experiment, "candidate").json()["status"] == "ended"
    assert len(missing(run)) == 19


def test_a_cancelled_experiment_that_never_began_opens_no_run(bringer, asked, owner):
    experiment = asked()
    submission.cancel(again(experiment), by=owner, at=clock.now())
    assert bringer.opened(experiment, "candidate").json()["code"] == "already_ended"


def test_a_rerun_waits_for_outputs_of_its_own(bringer, asked, owner, impatient):
    experiment = asked()
    for arm in ARMS:
        brought(bringer, experiment, arm)
    scheduler.drain()
    other = submission.rerun(again(experiment), by=owner, at=clock.now())
    assert len(missing(bringer.run(other, "candidate"))) == 20


def test_an_extension_asks_for_the_new_examples_alone(bringer, people, asked, impatient):
    suite = {
        "metrics": [{"metric": "exact_match", "role": "gating", "margin": 0.05}],
        "looks": {"spending": "obrien-fleming", "to": "standard"},
    }
    experiment = asked(tier="smoke", suite=suite)
    for arm in ARMS:
        brought(bringer, experiment, arm)
    scheduler.drain()
    answer = bringer.client.post(
        f"/api/v1/experiments/{experiment}/extend", {"tier": "standard"}, content_type="application/json"
    )
    larger = Experiment.objects.get(public_id=answer.json()["id"])
    for arm in ARMS:
        run = bringer.run(larger, arm)
        assert len(missing(run)) == 10
        kept = Output.objects.filter(run__public_id=run, state=OutputState.DONE).first().example_id
        number = int(kept[1:])
        assert bringer.brings(run, [line(number)]).json()["known"] == 1
        assert bringer.brings(run, [line(number, right=False)]).status_code == 400
        brought(bringer, larger, arm)
    scheduler.drain()
    assert again(larger).verdicts.count() == 1


# Who may


def test_only_the_owner_and_machines_with_the_scope_bring_outputs(bringer, asked, owner, ci):
    experiment = asked()
    run = bringer.run(experiment, "candidate")
    stranger = Bringer(bearer(person("other_owner", Role.OWNER), "experiments:submit"))
    assert stranger.opened(experiment, "candidate").status_code == 404
    assert stranger.brings(run, [line(0)]).status_code == 404
    assert stranger.finishes(run, missing="error").status_code == 404
    looks = Bringer(bearer(ci, "experiments:view"))
    assert looks.brings(run, [line(0)]).json()["code"] == "not_permitted"
    assert Bringer(bearer(owner, "experiments:submit")).brings(run, [line(0)]).status_code == 201


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_of_two_that_bring_the_same_outputs_at_once_each_is_stored_once(bringer, asked, ci):
    run = bringer.run(asked(examples=200), "candidate")
    both = [Bringer(bearer(ci, "experiments:submit")) for _ in range(2)]
    answers = []

    def bring(each: Bringer) -> None:
        answers.append(each.brings(run, [line(n) for n in range(200)]).json())
        connection.close()

    threads = [threading.Thread(target=bring, args=(each,)) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((each["new"], each["known"]) for each in answers) == [(0, 200), (200, 0)]


def test_an_approver_reads_who_brought_the_outputs(bringer, asked, impatient, owner, approver):
    experiment = asked()
    brought(bringer, experiment, "candidate")
    brought(bringer, experiment, "baseline", wrong=15)
    scheduler.drain()
    row = promotion.request(
        again(experiment), environment="staging", reason="It is better.", by=owner, at=clock.now()
    )
    for address in (row.get_absolute_url(), f"/admin/experiments/promotionrequest/{row.pk}/change/"):
        shown = signed_in(approver).get(address).content.decode()
        assert "those of the candidate were brought by ci" in shown


# Published figures


@pytest.mark.shared_data
def test_four_systems_on_gsm8k_brought_through_the_api_are_right_as_often_as_published(
    people, bringer, impatient
):
    """Cobbe et al. 2021: the figures that their published solutions give, from upload to comparison."""
    file = Path(os.environ["EVALTRACK_DATA"]) / "gsm8k" / "example_model_solutions.jsonl"
    problems = [json.loads(each) for each in file.read_text(encoding="utf-8").splitlines()]
    custodian, platform, at = people["custodian"], people["platform"], clock.now()
    given = {
        "slug": "gsm8k",
        "name": "gsm8k",
        "use_case": "",
        "sensitivity": "internal",
        "custodian": custodian,
    }
    dataset = ingest.register(**given, by=custodian, at=at)
    rows = [
        json.dumps({"id": f"p{n:04}", "input": each["question"], "expected": each["ground_truth"]}).encode()
        + b"\n"
        for n, each in enumerate(problems)
    ]
    golden = versions.publish(
        ingest.take_in(dataset, version="test", lines=rows, by=custodian, at=at), by=custodian, at=at
    )
    suite = {"metrics": [{"metric": "numeric_match", "role": "gating", "margin": 0.01}]}
    row = experiments.component(people["owner"], platform, name="solver", suite=suite)
    published = {
        "6b_finetuning": 286,
        "6b_verification": 515,
        "175b_finetuning": 458,
        "175b_verification": 742,
    }
    made_by = {
        name: registration.register_version(
            row, version=name, body={**BROUGHT, "system": name}, by=platform, at=at
        )
        for name in published
    }
    systems = list(published)
    counts, differing = {}, []
    for baseline, candidate in (systems[:2], systems[2:]):
        experiment = experiments.asked(made_by[candidate], made_by[baseline], golden, tier="extended")
        for arm, system in (("baseline", baseline), ("candidate", candidate)):
            run = bringer.run(experiment, arm)
            sent = [
                {"example": f"p{n:04}", "output": each[system]["solution"]} for n, each in enumerate(problems)
            ]
            # In two requests, as a job would that is resumed.
            assert bringer.brings(run, sent[:700]).json() == {"new": 700, "known": 0, "missing": 619}
            assert bringer.brings(run, sent).json() == {"new": 619, "known": 700, "missing": 0}
            assert bringer.finishes(run).status_code == 200
        scheduler.drain()
        assert again(experiment).status == ExperimentStatus.DECIDED
        for arm, system in (("baseline", baseline), ("candidate", candidate)):
            ours = MetricResult.objects.get(
                run__experiment=experiment, run__arm=arm, metric="numeric_match"
            ).values
            counts[system] = int(sum(ours))
            differing += [
                (system, n)
                for n, (mine, each) in enumerate(zip(ours, problems, strict=True))
                if bool(mine) != each[system]["is_correct"]
            ]
        described = bringer.client.get(f"/api/v1/experiments/{experiment}").json()
        [compared] = described["comparisons"]
        assert (compared["n"], compared["outcome"]) == (1319, "PASS")
        assert {run["record"]["collected_by"] for run in described["runs"]} == {"ci"}
        assert recomputation.recompute(again(experiment)).ok
    assert (counts, differing) == (published, [])


def test_dates_are_those_of_the_bringing(bringer, asked):
    run = brought(bringer, asked(), "candidate")
    row = Run.objects.get(public_id=run)
    assert dt.timedelta(0) <= row.brought_at - row.started_at < dt.timedelta(minutes=1)
    assert row.outputs.earliest("finished_at").finished_at >= row.experiment.plan.locked_at


def test_finishing_takes_no_body(bringer, asked):
    """As curl sends it with -X POST alone."""
    run = bringer.run(asked(), "candidate")
    bringer.brings(run, [line(n) for n in range(20)])
    assert bringer.client.generic("POST", f"/api/v1/runs/{run}/finish").json()["status"] == "finished"
