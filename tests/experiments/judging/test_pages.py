"""What people and machines are shown of judges; and to whom nothing of them goes."""

import json

import pytest

from annotation import jobs
from annotation.models import Judgment, Response
from evaltrack import clock
from experiments import pricing, suite
from experiments.judging import judgments
from experiments.models import Arm, ExperimentStatus
from experiments.running import scheduler
from tests.accounts.callers import bearer, signed_in
from tests.endpoint import says, serve, wrong_on
from tests.experiments.judging.playing import material, prefers_right, replies, scores, with_judge
from tests.factories import experiments, judges

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(document)</script> \u202e"


def hostile(call):
    if "answer" in material(call):
        return says(json.dumps({"reason": HOSTILE, "score": json.loads(scores_of(call))}))
    return prefers_right(call)


def scores_of(call) -> str:
    return "5" if material(call)["answer"] == material(call)["reference"] else "1"


@pytest.fixture
def concluded(judged):
    with serve(with_judge(hostile, wrong_on("v1.1.0", 2, 3))) as endpoint:
        return judged(endpoint, "judge_rubric", "judge_pairwise")


def test_the_page_names_the_judge_and_says_how_it_judged(concluded, people):
    body = signed_in(people["owner"]).get(concluded.get_absolute_url()).content.decode()
    assert "judged by helpfulness-judge@v3" in body
    assert "the judge was asked about 10 answers; it failed on none" in body
    assert "it contradicted itself on 0 % (0 % to " in body
    run = judgments.runs_of(concluded)["judge_rubric", Arm.CANDIDATE]
    assert run.record["prompt"] in body
    assert body.count("<h2>Judge: ") == 2


def test_the_examples_show_what_the_judge_said_as_text(concluded, people):
    browser = signed_in(people["owner"])
    page = f"{concluded.get_absolute_url()}examples/"
    body = browser.get(page, {"metric": "judge_rubric"}).content.decode()
    assert "Score 1, of 1 to 5." in body
    assert "<script>alert" not in body
    assert "\u202e" not in body
    body = browser.get(page, {"metric": "judge_pairwise"}).content.decode()
    assert "Prefers the baseline; the candidate stood first." in body
    assert "Prefers the baseline; the baseline stood first." in body


def test_a_reply_in_no_format_is_shown_with_the_reason(judged, people):
    def behave(call):
        return says(f"{HOSTILE} 5/5") if "What is 2 " in call.question else scores(call)

    with serve(with_judge(behave)) as endpoint:
        experiment = judged(endpoint, "judge_rubric", examples=30)
    body = (
        signed_in(people["owner"])
        .get(f"{experiment.get_absolute_url()}examples/", {"metric": "judge_rubric", "group": "undefined"})
        .content.decode()
    )
    assert "No reply: it is not one JSON object alone." in body
    assert "No value: judge error: its reply was not in the format that was asked for." in body
    assert "<script>alert" not in body


def test_the_api_tells_judges_and_their_cost_apart(concluded, people, ci):
    machine = bearer(ci, "experiments:view")
    body = machine.get(f"/api/v1/experiments/{concluded}").json()
    assert [run["arm"] for run in body["runs"]] == ["baseline", "candidate"]
    assert [(each["metric"], each["arm"]) for each in body["judges"]] == [
        ("judge_pairwise", "candidate"),
        ("judge_rubric", "baseline"),
        ("judge_rubric", "candidate"),
    ]
    assert body["judges"][0]["judge"] == "helpfulness-judge@v3"
    assert body["judges"][0]["found"]["swaps"]["consistent"]["value"] == 1.0
    assert body["cost"]["judges_usd"] == 0
    said = machine.get(f"/api/v1/runs/{body['judges'][1]['run']}/outputs")
    assert len(b"".join(said.streaming_content).splitlines()) == 10


def test_the_judge_is_part_of_what_an_experiment_is_expected_to_cost(judged, people):
    for model in ("v1.0.0", "v1.1.0", "judge-1"):
        pricing.state(
            model=model,
            tariff=pricing.Tariff(1_000_000, 1_000_000, None, 100),
            valid_from=clock.now(),
            by=people["platform"],
            at=clock.now(),
        )
    with serve(with_judge(scores)) as endpoint:
        experiment = judged(endpoint, "judge_rubric")
    cost = pricing.cost_of(experiment)
    assert 0 < cost.of_judges < cost.spent
    assert pricing.expected(experiment) == pytest.approx(cost.spent, abs=40)


def test_people_who_judge_the_same_experiment_are_shown_the_answers_of_the_arms_alone(
    people, impatient, lead
):
    rules = judges.suite("judge_pairwise", samples=3) | {"human": {"items": 10, "overlap": 1}}
    with serve(with_judge(lambda call: replies(verdict="1"), wrong_on("v1.0.0", 2))) as endpoint:
        judges.judge(people["owner"], people["platform"], base_url=endpoint.base_url)
        experiment = experiments.submitted(
            **people, base_url=endpoint.base_url, examples=10, suite=rules, risk="high"
        )
        scheduler.drain()
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.AWAITING_PEOPLE, experiment.reason
    jobs.open_campaigns()
    shown = Response.objects.filter(task__campaign__experiment=experiment)
    assert shown.count() == 20
    assert set(shown.values_list("output__run__arm", flat=True)) == {"baseline", "candidate"}
    assert not Judgment.objects.exists()


def test_a_judged_metric_can_be_the_proxy_for_people(people):
    judges.judge(people["owner"], people["platform"])
    rules = judges.suite("judge_pairwise") | {"human": {"proxy": "judge_pairwise"}}
    assert suite.parse(rules).human.proxy == "judge_pairwise"
