"""The evidence and the pages say which answers are reused."""

import json
from collections import Counter

import pytest
from django.core.management import call_command

from evaltrack import clock
from experiments import promotion
from experiments.models import Experiment, MetricPoint, Output, Run
from experiments.recomputation import recompute
from tests.accounts.callers import bearer, signed_in
from tests.endpoint import adds, serve
from tests.experiments.reuse.playing import EXAMPLES

pytestmark = pytest.mark.django_db


def test_the_verdict_is_computed_again_from_the_experiments_own_rows(partly):
    assert recompute(partly).findings == ()
    record = partly.runs.get(arm="candidate").record["cache"]
    assert (record["salt"], record["max_age_days"], record["reused"]) == ("a", 30, EXAMPLES - 1)
    oldest = Output.objects.filter(reused_in__run__arm="candidate").order_by("finished_at").first()
    assert record["oldest"] == oldest.finished_at.isoformat()
    # Wherever the earlier experiment's texts are gone to, its own are there.
    assert not partly.outputs.filter(text="").exists()


def as_if_asked(experiment):
    Output.objects.filter(pk=experiment.outputs.exclude(reused_from=None).first().pk).update(reused_from=None)


def of_another(experiment):
    one = experiment.outputs.exclude(reused_from=None).first()
    origin = Output.objects.filter(experiment=one.reused_from.experiment_id, reused_in=None).first()
    Output.objects.filter(pk=one.pk).update(reused_from=origin)


def fewer_in_the_record(experiment):
    run = experiment.runs.get(arm="candidate")
    Run.objects.filter(pk=run.pk).update(record=run.record | {"cache": run.record["cache"] | {"reused": 1}})


def not_allowed(experiment):
    run = experiment.runs.get(arm="candidate")
    del run.record["cache"]
    run.save()


@pytest.mark.parametrize("alter", [as_if_asked, of_another, fewer_in_the_record, not_allowed])
def test_who_hides_that_an_answer_was_reused_is_found_out(partly, alter):
    alter(partly)
    found = " ".join(recompute(Experiment.objects.with_names().get(pk=partly.pk)).findings)
    assert "reuse" in found or "evidence" in found


def test_pages_say_how_many_are_reused_and_from_where(partly, people):
    browser = signed_in(people["owner"])
    page = browser.get(partly.get_absolute_url()).content.decode()
    assert page.count("18 of 20 answers were reused from earlier experiments") == 2
    origin = partly.outputs.exclude(reused_from=None).first().reused_from.experiment
    examples = browser.get(
        f"{partly.get_absolute_url()}examples/?metric=exact_match&group=better"
    ).content.decode()
    assert f'in <a href="{origin.get_absolute_url()}">{origin}</a>. It cost nothing here' in examples
    plain = browser.get(origin.get_absolute_url()).content.decode()
    assert "0 of 20 answers were reused" in plain


def test_the_api_says_it_of_the_experiment_and_of_each_output(partly, people):
    caller = bearer(people["owner"], "experiments:view")
    told = caller.get(f"/api/v1/experiments/{partly.public_id}").json()["reused"]
    assert (told["reused"], told["answers"], told["arms"]["candidate"]["reused"]) == (18, 20, 9)
    run = partly.runs.get(arm="candidate")
    answer = caller.get(f"/api/v1/runs/{run.public_id}/outputs?collected=true")
    lines = [json.loads(each) for each in b"".join(answer.streaming_content).splitlines()]
    origin = partly.outputs.exclude(reused_from=None).first().reused_from.experiment.public_id
    assert Counter(each["collected"]["reused_from"] for each in lines) == {origin: 9, None: 1}


def test_without_a_cache_neither_page_nor_api_speak_of_it(run, people):
    with serve(adds) as endpoint:
        experiment = run(endpoint, examples=EXAMPLES)
    assert "reused" not in signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    caller = bearer(people["owner"], "experiments:view")
    assert caller.get(f"/api/v1/experiments/{experiment.public_id}").json()["reused"] is None


def test_what_was_not_measured_anew_is_no_point_of_the_time_series(partly, first):
    """A version that nobody asked today would seem to do as well today."""
    origin = partly.outputs.exclude(reused_from=None).first().reused_from.experiment
    assert not MetricPoint.objects.filter(experiment_id=partly.pk).exists()
    assert MetricPoint.objects.filter(experiment_id=origin.pk).count() == 4
    call_command("recompute_series")


def test_whoever_decides_about_a_promotion_reads_it(partly, people, approver):
    request = promotion.request(
        partly, environment="staging", reason="It passed the gate.", by=people["owner"], at=clock.now()
    )
    page = signed_in(approver).get(request.get_absolute_url()).content.decode()
    assert "9 answers of the candidate were given in earlier experiments" in page
