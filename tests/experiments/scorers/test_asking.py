"""Values that others give: asked for once, kept at once, and everything after them computed again."""

import copy
import sys
import time

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.errors import Invalid, Refused
from experiments import conclusion, registration, suite
from experiments.metrics import REGISTRY, scored
from experiments.metrics.base import NO_REFERENCE, Answered
from experiments.models import Arm, Experiment, ExperimentStatus, GivenValue, MetricResult
from experiments.recomputation import recompute
from experiments.running import scheduler
from experiments.scorers import asking
from tests.accounts.callers import signed_in
from tests.experiments.scorers import scripts
from tests.factories import experiments

SUITE = {
    "metrics": [
        {"metric": "ragas:exact_match", "role": "gating", "margin": 0.05},
        {"metric": "exact_match", "role": "secondary"},
    ],
    "looks": {"to": "extended"},
}


@pytest.fixture
def worker(settings, monkeypatch, tmp_path):
    settings.SCORER_SECONDS = 20

    def runs(behaviour: str) -> None:
        scripts.use(settings, monkeypatch, tmp_path, scripts.says(behaviour))

    return runs


def anew(experiment) -> Experiment:
    return Experiment.objects.with_names().get(pk=experiment.pk)


def answered(people, says=None, **given):
    experiment = experiments.submitted(**people, suite=SUITE, **given)
    experiments.answer_all(experiment, says or experiments.right_for([Arm.CANDIDATE]))
    return experiment


def test_given_values_decide_and_are_verified_from_there_on(people, worker):
    worker(scripts.RIGHT)
    experiment = answered(people)
    conclusion.conclude(experiment, at=clock.now())
    experiment = anew(experiment)
    assert experiment.status == ExperimentStatus.DECIDED
    ours, theirs = experiment.comparisons.all()
    assert (ours.baseline["value"], ours.candidate["value"]) == (pytest.approx(2 / 3), 1.0)
    assert ours.delta == theirs.delta
    assert GivenValue.objects.count() == 60
    assert GivenValue.objects.first().versions.startswith("python 3.")
    found = recompute(experiment)
    assert found.findings == ()
    assert (
        "what was made of ragas:exact_match, whose values were given by scorers and are taken as they are"
        in (found.checked)
    )


def test_the_page_says_who_gave_the_values_and_only_of_those(people, worker):
    worker(scripts.RIGHT)
    experiment = answered(people)
    conclusion.conclude(experiment, at=clock.now())
    page = signed_in(people["owner"]).get(anew(experiment).get_absolute_url()).content.decode()
    assert page.count("Its values were given by python 3.") == 1


def test_who_alters_what_was_given_is_found(people, worker):
    worker(scripts.RIGHT)
    experiment = answered(people)
    conclusion.conclude(experiment, at=clock.now())
    GivenValue.objects.filter(output__run__arm="baseline", value=0.0).update(value=1.0)
    found = " ".join(recompute(anew(experiment)).findings)
    assert "ragas:exact_match of the baseline" in found
    assert "drawn from other evidence" in found


def test_an_answer_that_is_empty_or_missing_counts_nothing_and_is_not_asked_about(people, worker):
    worker("assert example['answer'].strip()\nreturn 1.0")

    def silent(arm, output, expected):
        return [None, "  ", expected][min(output.position, 2)]

    experiment = answered(people, silent, examples=60)
    conclusion.conclude(experiment, at=clock.now())
    row = MetricResult.objects.get(
        run__experiment=experiment, run__arm="candidate", metric="ragas:exact_match"
    )
    assert list(row.values) == [0.0, 0.0] + [1.0] * 58
    assert recompute(anew(experiment)).findings == ()


def test_one_example_that_breaks_the_scorer_is_a_gap_with_its_reason(people, worker):
    worker(scripts.CRASHES)
    experiment = answered(people, experiments.right_for(list(Arm)))
    conclusion.conclude(experiment, at=clock.now())
    assert anew(experiment).status == ExperimentStatus.DECIDED
    row = MetricResult.objects.get(
        run__experiment=experiment, run__arm="candidate", metric="ragas:exact_match"
    )
    assert row.undefined == {"ragas ended with code 3": [[2, 2]]}
    assert recompute(anew(experiment)).findings == ()


def test_more_gaps_than_the_policy_allows_end_it_undecided_and_keep_every_answer(people, worker):
    worker("raise ValueError('no model here')")
    experiment = answered(people)
    conclusion.conclude(experiment, at=clock.now())
    experiment = anew(experiment)
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "ragas gave no value of ragas:exact_match for 20 of 60 answers" in experiment.reason
    assert "no model here" in experiment.reason
    assert experiment.outputs.exclude(text="").count() == 60


def test_a_scorer_that_cannot_be_started_has_the_experiment_wait_and_go_on(
    people, worker, settings, impatient
):
    worker(scripts.RIGHT)
    experiment = answered(people)
    settings.SCORERS = {"ragas": "/no/such/python"}
    conclusion.conclude(experiment, at=clock.now())
    experiment = anew(experiment)
    assert experiment.status == ExperimentStatus.WAITING
    assert "cannot be started by EVALTRACK_SCORERS" in experiment.reason
    settings.SCORERS = {"ragas": sys.executable}
    time.sleep(0.4)
    scheduler.drain()
    assert anew(experiment).status == ExperimentStatus.DECIDED


@pytest.fixture
def log(tmp_path):
    """A file to which the worker adds a letter whenever it is asked about an answer."""
    return tmp_path / "asked"


def counting(log) -> str:
    return f"open({str(log)!r}, 'a').write('x')\n" + scripts.RIGHT


def test_what_does_not_fit_one_turn_is_gone_on_with_and_nothing_is_asked_twice(
    people, worker, monkeypatch, log
):
    monkeypatch.setattr(asking, "BATCH", 50)
    monkeypatch.setattr(asking, "TURN_SECONDS", 0)
    worker(counting(log))
    experiment = answered(people)
    turns = 0
    while anew(experiment).status == ExperimentStatus.RUNNING and turns < 10:
        conclusion.conclude(anew(experiment), at=clock.now())
        turns += 1
    assert anew(experiment).status == ExperimentStatus.DECIDED
    assert turns == 2
    assert len(log.read_text()) == 60


def test_a_worker_that_is_killed_behind_a_batch_has_kept_it(people, worker, monkeypatch, log):
    monkeypatch.setattr(asking, "BATCH", 7)
    worker(counting(log))
    experiment = answered(people)

    def stop(*words):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(asking.log, "info", stop)
        with pytest.raises(KeyboardInterrupt):
            conclusion.conclude(experiment, at=clock.now())
    assert GivenValue.objects.count() == 7
    Experiment.objects.filter(pk=experiment.pk).update(next_attempt_at=None)
    scheduler.drain()
    assert anew(experiment).status == ExperimentStatus.DECIDED
    assert len(log.read_text()) == 60


def test_an_extension_keeps_what_was_given_for_the_answers_it_keeps(people, worker, log):
    worker(counting(log))
    first = answered(people, examples=30, tier="smoke")
    conclusion.conclude(first, at=clock.now())
    assert len(log.read_text()) == 20
    further = experiments.extended(anew(first), experiments.right_for([Arm.CANDIDATE]))
    assert further.status == ExperimentStatus.DECIDED
    assert len(log.read_text()) == 60
    assert recompute(further).findings == ()


def test_a_value_outside_of_its_range_is_a_reason(people, worker):
    worker("return 7.0 if example['answer'] == '3' else " + scripts.RIGHT.removeprefix("return "))
    experiment = answered(people, experiments.right_for(list(Arm)))
    conclusion.conclude(experiment, at=clock.now())
    row = MetricResult.objects.get(
        run__experiment=experiment, run__arm="candidate", metric="ragas:exact_match"
    )
    assert row.undefined == {"ragas gave a value that is not from 0 to 1": [[2, 2]]}


def test_a_policy_with_a_scorer_that_is_not_set_up_is_refused_with_what_to_set(platform, settings):
    settings.SCORERS = {}
    with pytest.raises(Refused, match=r"EVALTRACK_SCORERS, such as ragas=/opt/scorers/ragas/bin/python"):
        registration.activate_policy("p", SUITE, by=platform, at=clock.now())


def test_a_policy_may_not_send_answers_or_keys_where_they_may_not_go(platform, settings):
    settings.SCORERS = {"ragas": sys.executable}
    rule = {
        "metric": "ragas:faithfulness",
        "parameters": {"base_url": "https://evil.example/v1", "model": "m"},
    }
    with pytest.raises(Refused, match=r"evil\.example:443 is not on the list"):
        registration.activate_policy("p", {"metrics": [rule]}, by=platform, at=clock.now())
    rule = copy.deepcopy(rule)
    rule["parameters"] |= {"base_url": "http://127.0.0.1:9/v1", "api_key_env": "EVALTRACK_SECRET_KEY"}
    with pytest.raises(Refused, match="EVALTRACK_SECRET_KEY"):
        registration.activate_policy("p", {"metrics": [rule]}, by=platform, at=clock.now())


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"metric": "ragas:no_such"}, "ragas has ragas:bleu_score"),
        ({"metric": "ragas:faithfulness"}, "base_url is missing"),
        ({"metric": "ragas:rouge_score", "parameters": {"rouge_type": "x"}}, "must be one of rouge1, rougeL"),
        ({"metric": "http"}, "url is missing"),
    ],
)
def test_a_suite_is_checked_without_starting_anything(rule, says):
    with pytest.raises(Invalid, match=says):
        suite.parse({"metrics": [rule]})


def test_the_database_keeps_a_value_or_a_reason_and_one_of_them_once(people, worker):
    worker(scripts.RIGHT)
    output = answered(people).outputs.first()

    def write(**given):
        with transaction.atomic():
            GivenValue.objects.create(
                output=output, metric="ragas:exact_match", versions="", given_at=clock.now(), **given
            )

    for wrong in ({"value": None, "reason": ""}, {"value": 1.0, "reason": "both"}):
        with pytest.raises(IntegrityError, match="given_value_or_reason"):
            write(**wrong)
    write(value=1.0)
    with pytest.raises(IntegrityError):
        write(value=0.0)


@pytest.mark.parametrize(
    ("metric", "text", "contexts", "expected", "value"),
    [
        ("ragas:non_llm_context_recall", "18", [], {"contexts": ["It is 18."]}, 0.0),
        ("ragas:non_llm_context_recall", "18", None, {"contexts": ["It is 18."]}, scored.NO_CONTEXTS),
        ("ragas:non_llm_context_recall", "18", [], {"answer": "18"}, scored.NO_GOLD),
        ("ragas:exact_match", None, None, {"answer": "18"}, 0.0),
        ("ragas:exact_match", None, None, {}, NO_REFERENCE),
        ("ragas:exact_match", "18", None, {"answer": "18"}, scored.NOT_GIVEN),
    ],
)
def test_what_there_is_nothing_to_judge_of_counts_nothing_and_what_does_not_apply_is_undefined(
    metric, text, contexts, expected, value
):
    read = Answered(input="?", expected=expected, text=text, contexts=contexts)
    assert REGISTRY[metric].of(read) == value
    assert (scored.to_ask(REGISTRY[metric], read) is not None) == (value == scored.NOT_GIVEN)
