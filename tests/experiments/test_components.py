"""The pages of components: what a trend shows, what happened between its points, who sees them, what they cost."""

import csv
import io
import re

import pytest

from evaltrack import clock
from evaltrack.accounts.roles import Role
from experiments import conclusion, promotion, registration, trend
from experiments.models import Arm, Experiment
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories import experiments
from tests.query_growth import no_query_growth

SUITE = {"metrics": [{"metric": "exact_match", "role": "gating", "margin": 0.1}]}
SHARES = {"v1": 0.5, "v2": 0.9, "v3": 0.1}


@pytest.fixture
def rows(people):
    return experiments.several(SHARES, suite=SUITE, **people)


@pytest.fixture
def component(rows):
    return rows[0].component


@pytest.fixture
def page(component, people):
    def get(query="", who=None):
        return signed_in(who or people["owner"]).get(f"{component.get_absolute_url()}{query}")

    return get


def concluded(component, people, candidate, golden, *, baseline="v1", right=1.0):
    """A further experiment of a version, made if it is new."""
    found = {row.version: row for row in component.versions.all()}
    new = found.get(candidate) or experiments.component_version(
        component, people["platform"], version=candidate, model="the model"
    )
    experiment = experiments.asked(new, found[baseline], golden)
    shares = {Arm.CANDIDATE: right, Arm.BASELINE: 0.5}
    experiments.answer_all(experiment, experiments.partly_right(shares, 60))
    conclusion.conclude(experiment, at=clock.now())
    return Experiment.objects.with_names().get(pk=experiment.pk)


def events(component, metric="exact_match"):
    return [[str(event) for event in step.events] for step in trend.of_component(component, metric)]


def test_a_trend_has_each_experiment_oldest_first_against_its_own_baseline(rows, component):
    steps = trend.of_component(component, "exact_match")
    assert [step.experiment for step in steps] == rows
    assert [step.comparison.candidate["value"] for step in steps] == pytest.approx([0.9, 0.1])
    assert [step.comparison.baseline["value"] for step in steps] == pytest.approx([0.5, 0.5])
    assert [step.tone for step in steps] == ["good", "bad"]
    assert [step.experiment for step in trend.best_and_worst(steps)] == rows


def test_the_best_of_a_cost_is_the_lowest(rows, component):
    component.experiments.get(pk=rows[0].pk).comparisons.update(direction="lower")
    rows[1].comparisons.update(direction="lower")
    steps = trend.of_component(component, "exact_match")
    assert [step.experiment for step in trend.best_and_worst(steps)] == rows[::-1]


def test_only_the_last_experiments_are_drawn(rows, component):
    assert [step.experiment for step in trend.of_component(component, "exact_match", most=1)] == rows[1:]


def test_what_changed_is_told_before_the_experiment_that_it_precedes(rows, component, people):
    golden = rows[0].dataset_version
    assert events(component) == [[], ["model is now v3"]]
    concluded(component, people, "v3", golden)
    assert events(component)[2] == []
    other = experiments.dataset_version(people["custodian"], examples=60, slug="other")
    concluded(component, people, "v3", other)
    assert events(component)[3] == ["dataset is now other@1.0"]
    registration.activate_policy(f"{component}-policy", SUITE, by=people["platform"], at=clock.now())
    changed = registration.activate_policy(
        f"{component}-policy",
        {"metrics": [{"metric": "exact_match", "role": "gating", "margin": 0.2}]},
        by=people["platform"],
        at=clock.now(),
    )
    component.policy = changed
    component.save()
    concluded(component, people, "v3", other)
    assert events(component)[4] == [f"policy is now {changed}"]


def test_a_promotion_stands_where_the_version_went_to_production(rows, component, people, approver):
    asked = promotion.request(
        rows[0], environment="production", reason="It passed.", by=people["owner"], at=clock.now()
    )
    promotion.approve(
        asked.pk, by=approver, reason="I read it.", seen_digest=asked.decision_digest, at=clock.now()
    )
    concluded(component, people, "v3", rows[0].dataset_version)
    steps = trend.of_component(component, "exact_match")
    assert [str(event) for event in steps[2].events] == ["v2 went to production"]
    assert [step.mark for step in steps] == ["", "", "promotion"]


def test_another_prompt_is_told_and_not_drawn(rows):
    before, after = rows[0], rows[1]
    after.candidate.configuration = before.candidate.configuration | {
        "prompt": {"user": "Answer {{ input }}"}
    }
    found = tuple(trend.changes(before, after))
    assert [str(event) for event in found] == ["the prompt changed"]
    assert trend.Step(after, None, found).mark == ""


def test_the_page_draws_a_point_for_each_and_lists_its_runs(page, rows):
    text = page().content.decode()
    assert text.count("<circle class='point'") == 2
    assert len(re.findall(r'name="run" value="exp-', text)) == 4
    assert f'value="{rows[0]}.baseline"' in text
    assert "90.0 %" in text
    assert "Best" in text
    assert "Worst" in text
    assert "model is now v3" in text


def test_search_and_status_choose_runs_and_leave_the_trend(page, rows):
    text = page("?search=v3").content.decode()
    assert text.count("<circle class='point'") == 2
    assert [str(experiment) for experiment, _ in page("?search=v3").context["rows"]] == [str(rows[1])]
    assert page("?status=queued").context["rows"] == []
    assert "No experiment matches" in page("?status=queued").content.decode()


def test_the_newest_verdict_chooses_runs_too(page, rows):
    assert [str(experiment) for experiment, _ in page("?outcome=FAIL").context["rows"]] == [str(rows[1])]
    assert [str(experiment) for experiment, _ in page("?outcome=PASS").context["rows"]] == [str(rows[0])]
    assert page("?outcome=INCONCLUSIVE").context["rows"] == []
    assert "No experiment matches" in page("?outcome=INCONCLUSIVE").content.decode()


def test_what_is_pinned_is_named_and_stays_on_its_own_dataset(page, rows, component, people):
    other = experiments.dataset_version(people["custodian"], examples=60, slug="other")
    concluded(component, people, "v4", other)
    assert page().context["pin"] is None  # nothing is in production
    answer = page(f"?pinned={rows[0]}")
    pin, steps = answer.context["pin"], answer.context["steps"]
    assert [pin.at(step).get("value") for step in steps] == pytest.approx([0.9, 0.9, None])
    text = answer.content.decode()
    assert text.count("class='pinned'") == 2
    assert f'name="reference" value="{rows[0]}.candidate"' in text
    assert page("?pinned=exp-19990101-001").status_code == 404
    assert page("?pinned=nothing").context["pin"] is None


def test_what_is_in_production_is_pinned_unless_something_else_is(page, rows, component, people, approver):
    asked = promotion.request(
        rows[0], environment="production", reason="It is better.", by=people["owner"], at=clock.now()
    )
    promotion.approve(
        asked.pk, by=approver, reason="I read it.", seen_digest=asked.decision_digest, at=clock.now()
    )
    assert page().context["pin"].name == "in production: v2"
    assert page("?pinned=nothing").context["pin"] is None
    assert page(f"?pinned={rows[1]}").context["pin"].name == "v3"


def test_every_kind_of_event_has_a_lane(page, rows, component, people):
    text = page().content.decode()
    assert (">Model</text>" in text, ">Dataset</text>" in text) == (True, False)
    concluded(
        component, people, "v3", experiments.dataset_version(people["custodian"], examples=60, slug="other")
    )
    assert ">Dataset</text>" in page().content.decode()


def test_the_trend_as_a_file_has_every_experiment(page, rows):
    answer = page("?format=csv&table=trend")
    found = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["experiment"] for row in found] == [str(row) for row in rows]
    assert [float(row["candidate"]) for row in found] == pytest.approx([0.9, 0.1])
    assert found[1]["since_the_one_before"] == "model is now v3"
    assert answer["Content-Disposition"] == 'attachment; filename="adder-exact_match.csv"'


def test_a_metric_that_nobody_measured_is_told(page):
    answer = page("?metric=nonsense")
    assert answer.status_code == 404
    assert "nonsense" in answer.content.decode()


def test_a_component_without_experiments_says_what_to_do(people):
    row = experiments.component(people["owner"], people["platform"], suite=SUITE)
    text = signed_in(people["owner"]).get(row.get_absolute_url()).content.decode()
    assert "No experiments yet" in text
    assert "POST /api/v1/experiments" in text
    assert "<svg class='trend'" not in text


def test_experiments_that_are_not_scored_are_listed_without_values(people):
    row = experiments.submitted(**people)
    answer = signed_in(people["owner"]).get(row.component.get_absolute_url())
    assert [(str(experiment), step) for experiment, step in answer.context["rows"]] == [(str(row), None)]


def test_a_metric_that_is_undefined_throughout_has_no_picture_and_no_number(people):
    row = experiments.submitted(**people, suite=SUITE)
    experiments.answer_all(row, lambda *_: None)
    conclusion.conclude(row, at=clock.now())
    answer = signed_in(people["owner"]).get(row.component.get_absolute_url())
    assert answer.status_code == 200
    assert "Nothing to draw" in answer.content.decode() or not answer.context["steps"]


def test_a_component_costs_the_same_for_many_experiments(page, rows, component, people):
    golden = rows[0].dataset_version

    def ask():
        assert page().status_code == 200

    no_query_growth(ask, lambda n: concluded(component, people, f"w{n}", golden), rows=4)


def test_the_list_of_components_costs_the_same_for_many(rows, people):
    browser = signed_in(people["owner"])

    def ask():
        assert browser.get("/components/").status_code == 200

    no_query_growth(
        ask, lambda n: experiments.measured(**people, examples=10, name=f"c{n}", suite=SUITE), rows=4
    )


def test_the_list_says_how_each_component_did_last(rows, people):
    browser = signed_in(people["owner"])
    answer = browser.get("/components/")
    assert [(str(row.component), row.experiment) for row in answer.context["rows"]] == [("adder", rows[1])]
    assert "FAIL" in answer.content.decode()
    assert browser.get("/components/?search=nothing").context["rows"] == []


def test_components_of_others_are_not_there(page, rows):
    stranger = person("stranger", Role.OWNER)
    assert page(who=stranger).status_code == 404
    assert signed_in(stranger).get("/components/").context["rows"] == []
    assert page(who=person("checker", Role.AUDITOR)).status_code == 200
