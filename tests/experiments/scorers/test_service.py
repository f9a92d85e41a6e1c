"""A service by HTTP that gives values, on loopback: what it does is values, reasons, or a wait."""

import json

import pytest

from evaltrack import clock
from evaltrack.errors import Refused
from evaltrack.stats.estimate import Undefined
from experiments import conclusion, registration
from experiments.models import Arm, Experiment, ExperimentStatus, GivenValue, MetricResult
from experiments.recomputation import recompute
from experiments.scorers import service
from experiments.scorers.base import Away
from experiments.scorers.service import Service
from experiments.suite import MetricRule
from tests.endpoint import HANGS_UP, Reply, always, serve
from tests.factories import experiments

RECORDS = [{"input": "?", "answer": answer, "expected": "1"} for answer in ("1", "2", "3")]


def scores(call) -> Reply:
    """1 for an answer that is the reference, a reason for a three, 0 for others."""
    values = [
        {"undefined": "not three"} if each["answer"] == "3" else float(each["answer"] == each["expected"])
        for each in call.body["examples"]
    ]
    return Reply(json.dumps({"values": values, "version": "scores 2.1"}).encode())


@pytest.fixture(autouse=True)
def quick(settings, monkeypatch):
    settings.SCORER_SECONDS = 2
    monkeypatch.setattr(service, "PAUSE_S", 0.01)
    monkeypatch.setattr(service, "LONGEST_PAUSE_S", 0.01)


def asked(endpoint, **parameters):
    with Service(MetricRule("http", parameters={"url": endpoint.base_url, **parameters})) as each:
        return each.ask(RECORDS)


def test_values_and_reasons_come_back_in_order_with_the_version_that_gave_them(monkeypatch):
    monkeypatch.setenv("MODEL_KEY", "a key")
    with serve(scores) as endpoint:
        found = asked(endpoint, name="same", arguments={"strict": True}, api_key_env="MODEL_KEY")
        [call] = endpoint.calls
    assert [found[place].value for place in range(3)] == [1.0, 0.0, Undefined("the service: not three")]
    assert found[0].versions == "scores 2.1"
    assert call.authorization == "Bearer a key"
    assert call.body == {"metric": "same", "arguments": {"strict": True}, "examples": RECORDS}


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b"<html>"), "not JSON"),
        (Reply(b'{"values": [1, 2]}'), 'no object with "values", a list of 3'),
        (Reply(b'{"values": 3}'), 'no object with "values", a list of 3'),
        (Reply(b'{"values": [1, 1, 1], "version": 3}'), 'a "version" that is no text'),
        (Reply(b"{}", 422), "HTTP 422"),
        (Reply(b"{}", 500), "HTTP 500"),
        (HANGS_UP, "the service gave no values"),
    ],
)
def test_an_answer_of_no_use_is_a_reason_for_each_example_of_the_batch(reply, reason):
    with serve(always(reply)) as endpoint:
        found = asked(endpoint)
    assert len(found) == 3
    assert all(isinstance(each.value, Undefined) and reason in each.value.reason for each in found.values())


def test_values_that_are_no_numbers_are_reasons_of_their_own():
    with serve(always(Reply(b'{"values": [1, true, "0.5"]}'))) as endpoint:
        found = asked(endpoint)
    none = Undefined("the service gave no number")
    assert [found[place].value for place in range(3)] == [1.0, none, none]


def test_one_that_fails_for_a_moment_is_asked_again():
    with serve(lambda call: scores(call) if call.nth > 2 else Reply(b"", 500)) as endpoint:
        assert asked(endpoint)[0].value == 1.0
        assert len(endpoint.calls) == 3


@pytest.mark.parametrize("reply", [Reply(b"no key", 401), Reply(b"", 503), Reply(b"slower", 429)])
def test_one_that_cannot_be_asked_is_away(reply):
    with serve(always(reply)) as endpoint, pytest.raises(Away, match=r"127\.0\.0\.1"):
        asked(endpoint)


def test_no_redirect_is_followed():
    with (
        serve(scores) as elsewhere,
        serve(always(Reply(b"", 307, {"Location": elsewhere.base_url}))) as endpoint,
    ):
        assert isinstance(asked(endpoint)[0].value, Undefined)
        assert not elsewhere.calls


def test_an_experiment_is_decided_by_what_a_service_says(people):
    with serve(scores) as endpoint:
        rules = {"metrics": [{"metric": "http", "margin": 0.2, "parameters": {"url": endpoint.base_url}}]}
        experiment = experiments.submitted(**people, suite=rules)
        experiments.answer_all(experiment, experiments.right_for(list(Arm)))
        conclusion.conclude(experiment, at=clock.now())
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    assert experiment.status == ExperimentStatus.DECIDED
    row = MetricResult.objects.get(run__experiment=experiment, run__arm="candidate", metric="http")
    assert row.undefined == {"the service: not three": [[2, 2]]}
    assert set(GivenValue.objects.values_list("versions", flat=True)) == {"scores 2.1"}
    assert recompute(experiment).findings == ()


def test_a_service_that_is_down_has_the_experiment_wait(people):
    with serve(scores) as endpoint:
        rules = {"metrics": [{"metric": "http", "margin": 0.2, "parameters": {"url": endpoint.base_url}}]}
        experiment = experiments.submitted(**people, suite=rules)
        experiments.answer_all(experiment, experiments.right_for(list(Arm)))
    conclusion.conclude(experiment, at=clock.now())
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.WAITING
    assert "A scorer cannot be asked" in experiment.reason


def test_answers_go_to_no_host_that_is_not_allowed(platform):
    rules = {"metrics": [{"metric": "http", "parameters": {"url": "https://elsewhere.example/score"}}]}
    with pytest.raises(Refused, match=r"elsewhere\.example:443 is not on the list"):
        registration.activate_policy("p", rules, by=platform, at=clock.now())
