"""The pages of experiments and promotions: what they cost, who sees them, what their buttons do."""

import csv
import io
import itertools

import pytest

from evaltrack import clock
from evaltrack.accounts.roles import Role
from experiments import promotion, submission
from experiments.models import Experiment, PromotionRequest
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments
from tests.query_growth import no_query_growth

NAMES = (f"c{number}" for number in itertools.count())


@pytest.fixture
def passed(people):
    return experiments.measured(**people)


def request_promotion(experiment, owner):
    return promotion.request(
        experiment, environment="production", reason="It passed the gate.", by=owner, at=clock.now()
    )


def test_the_list_of_experiments_costs_the_same_for_many(people, passed):
    browser = signed_in(people["owner"])

    def ask():
        assert browser.get("/experiments/").status_code == 200

    no_query_growth(ask, lambda n: experiments.measured(**people, examples=10, name=next(NAMES)))


def test_an_experiment_costs_the_same_however_large_it_is(people, passed):
    browser = signed_in(people["owner"])

    def ask():
        assert browser.get(f"/experiments/{passed.public_id}/").status_code == 200

    def further_promotion(number):
        row = request_promotion(passed, people["owner"])
        promotion.withdraw(row.pk, by=people["owner"], at=clock.now())

    further_promotion(0)
    no_query_growth(ask, further_promotion)


def test_the_promotions_cost_the_same_for_many(people, passed, approver):
    request_promotion(passed, people["owner"])
    browser = signed_in(approver)

    def ask():
        assert browser.get("/promotions/").status_code == 200

    def further(number):
        row = experiments.measured(**people, examples=10, name=next(NAMES), suite=EASY)
        asked = request_promotion(row, people["owner"])
        promotion.approve(
            asked.pk,
            by=approver,
            reason="I read the evidence.",
            seen_digest=asked.decision_digest,
            at=clock.now(),
        )

    further(0)
    no_query_growth(ask, further)


# So wide a margin that ten examples pass.
EASY = {"metrics": [{"metric": "exact_match", "role": "gating", "margin": 0.9}]}


def test_the_api_list_costs_the_same_for_many(people, passed):
    browser = signed_in(people["owner"])
    no_query_growth(
        lambda: browser.get("/api/v1/experiments"),
        lambda n: experiments.measured(**people, examples=10, name=next(NAMES)),
    )


def test_a_decided_experiment_shows_its_verdict_and_its_reasons(people, passed):
    page = signed_in(people["owner"]).get(f"/experiments/{passed.public_id}/").content.decode()
    assert passed.public_id in page
    assert "PASS" in page
    assert "lies above 0" in page


def test_what_an_endpoint_says_is_shown_as_text(people):
    experiment = experiments.submitted(**people)
    Experiment.objects.filter(pk=experiment.pk).update(
        status="waiting", reason="HTTP 500: <script>alert(1)</script>"
    )
    page = signed_in(people["owner"]).get(f"/experiments/{experiment.public_id}/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert(1)" not in page


@pytest.mark.parametrize("status", ["queued", "running", "waiting", "undecided", "cancelled"])
def test_every_state_has_a_page(people, status):
    experiment = experiments.submitted(**people)
    Experiment.objects.filter(pk=experiment.pk).update(status=status, reason="For this reason.")
    browser = signed_in(people["owner"])
    for address in ("/experiments/", f"/experiments/{experiment.public_id}/"):
        assert browser.get(address).status_code == 200
    fragment = browser.get(f"/experiments/{experiment.public_id}/", headers={"HX-Request": "true"})
    assert fragment.status_code == 200
    assert "<html" not in fragment.content.decode()


@pytest.mark.parametrize(("who", "status"), [("approver", 200), ("evaluator_one", 403), ("custodian", 403)])
def test_who_sees_experiments(passed, who, status, request):
    browser = signed_in(request.getfixturevalue(who))
    assert browser.get("/experiments/").status_code == status
    assert browser.get(f"/experiments/{passed.public_id}/").status_code == status


def test_an_owner_does_not_see_what_belongs_to_others(passed):
    browser = signed_in(person("other_owner", Role.OWNER))
    assert browser.get(f"/experiments/{passed.public_id}/").status_code == 404
    assert passed.public_id not in browser.get("/experiments/").content.decode()


def test_buttons_act_by_post_alone(people):
    experiment = experiments.submitted(**people)
    browser = signed_in(people["owner"])
    address = f"/experiments/{experiment.public_id}/cancel/"
    assert browser.get(address).status_code == 405
    assert browser.post(address).status_code == 302
    experiment.refresh_from_db()
    assert experiment.status == "cancelled"
    browser.post(f"/experiments/{experiment.public_id}/rerun/")
    assert Experiment.objects.count() == 2


def test_the_form_on_the_page_asks_for_a_promotion(people, passed):
    browser = signed_in(people["owner"])
    given = {"experiment": passed.public_id, "environment": "staging", "reason": "It passed the gate."}
    answer = browser.post("/promotions/request/", given)
    row = PromotionRequest.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (302, row.get_absolute_url())
    page = browser.get(row.get_absolute_url())
    assert (page.status_code, row.public_id in page.content.decode()) == (200, True)
    browser.post(f"{row.get_absolute_url()}withdraw/")
    row.refresh_from_db()
    assert row.status == "withdrawn"


def test_a_refused_promotion_says_why_on_the_page(people):
    failed = experiments.measured(**people, better=False, examples=90)
    browser = signed_in(people["owner"])
    given = {"experiment": failed.public_id, "environment": "staging", "reason": "It passed the gate."}
    page = browser.post("/promotions/request/", given, follow=True)
    assert "only a PASS can be promoted" in page.content.decode()
    assert not PromotionRequest.objects.exists()


def test_a_promotion_without_an_experiment_is_refused_on_the_page(people):
    answer = signed_in(people["owner"]).post(
        "/promotions/request/", {"environment": "staging", "reason": "x" * 20}
    )
    assert answer.status_code == 400
    assert "must name the experiment" in answer.content.decode()


def test_what_is_ended_has_no_cancel(people, passed):
    answer = signed_in(people["owner"]).post(f"/experiments/{passed.public_id}/cancel/")
    assert answer.status_code == 409
    with pytest.raises(Exception, match="cannot be cancelled"):
        submission.cancel(passed, by=people["owner"], at=clock.now())


def test_the_latency_of_both_arms_is_a_picture_and_a_table(people):
    experiment = experiments.measured(**people)
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert "curve curve-baseline" in page
    assert "p95" in page
    assert "200 are needed" in page


def test_without_a_latency_metric_there_is_none(people):
    suite = {"metrics": [{"metric": "exact_match", "role": "gating"}]}
    experiment = experiments.measured(**people, suite=suite)
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert "latency-title" not in page


def taken(browser, experiment, query):
    answer = browser.get(f"{experiment.get_absolute_url()}?format=csv{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


def test_the_tables_of_an_experiment_are_files_with_the_numbers_of_the_page(people, passed):
    browser = signed_in(people["owner"])
    stored = list(passed.comparisons.all())
    forest = taken(browser, passed, "")
    assert [(row["metric"], row["outcome"]) for row in forest] == [
        (row.metric, row.outcome) for row in stored
    ]
    for row, comparison in zip(forest, stored, strict=True):
        assert float(row["difference"]) == comparison.delta["value"]
        assert row["difference_low"] == str(comparison.delta["ci_low"])
        assert row["note"].removeprefix("'") == comparison.explanation
    latency = taken(browser, passed, "&table=latency")
    assert [row["quantile"] for row in latency] == ["p50", "p95", "p99"]
    assert {row["baseline"] for row in latency} == {"20.0"}
    assert browser.get(f"{passed.get_absolute_url()}?format=csv&table=slices").status_code == 404
    markdown = browser.get(f"{passed.get_absolute_url()}?format=markdown").content.decode()
    assert markdown.splitlines()[2].startswith("| exact_match | gating | 30 |")


def test_an_experiment_that_goes_on_has_no_table_yet(people):
    row = experiments.submitted(**people)
    answer = signed_in(people["owner"]).get(f"{row.get_absolute_url()}?format=csv")
    assert answer.status_code == 404
    assert "no table" in answer.content.decode()


def test_each_metric_has_its_word_and_its_axis(people, passed):
    answer = signed_in(people["owner"]).get(passed.get_absolute_url())
    rows = {row.metric: row for row in answer.context["comparisons"]}
    assert rows["exact_match"].word == "Better"
    assert rows["latency_p50"].word == "Equivalent"
    text = answer.content.decode()
    scale = rows["exact_match"].scale * 100
    assert f"<span>-{scale:.1f} pts</span><span>+{scale:.1f} pts</span>" in text
    # Less is better: the slower end is on the left.
    assert "<span>+1100 ms</span><span>-1100 ms</span>" in text


def test_the_largest_losses_come_to_the_page_of_the_experiment(people):
    failed = experiments.measured(**people, better=False, examples=30)
    browser = signed_in(people["owner"])
    page = browser.get(failed.get_absolute_url()).content.decode()
    address = f"/experiments/{failed.public_id}/examples/?metric=exact_match"
    assert f'hx-get="{address}"' in page
    assert f'<a href="{address}">' in page
    fragment = browser.get(address, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "10 examples got worse by exact_match; the largest losses first." in fragment
    assert fragment.count('<h3 id="example-') == 3
    assert "<del>" in fragment
    better = browser.get(f"{address}&group=better", headers={"HX-Request": "true"}).content.decode()
    assert "no example got worse" in better


def test_every_attempt_leads_to_the_others_with_their_verdicts(people, passed):
    browser = signed_in(people["owner"])
    assert "Other attempts" not in browser.get(passed.get_absolute_url()).content.decode()
    again = submission.rerun(passed, by=people["owner"], at=clock.now())
    page = browser.get(again.get_absolute_url()).content.decode()
    assert f'<a href="{passed.get_absolute_url()}">1: v1.1.0 against v1.0.0</a>' in page
    elsewhere = experiments.measured(**people, examples=10, name="subtracter")
    assert "Other attempts" not in browser.get(elsewhere.get_absolute_url()).content.decode()
