"""Two versions on live traffic: what may begin, who counts, what it shows, and its end."""

import datetime as dt
import random

import numpy as np
import pytest

from evaltrack import clock
from evaltrack.errors import Conflict, Invalid, Refused
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from evaltrack.stats.monitoring import Arm, cuped, effect_any_time
from experiments import conclusion
from experiments.models import Arm as RunArm
from experiments.models import Component, Experiment, LiveTest, LiveUnit
from experiments.production import effects, livetests, watching
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person
from tests.experiments.production.conftest import lines
from tests.factories import experiments

FIXED = {"metric": "exact_match", "treatment_share": 0.5, "planned_units": 1000}


@pytest.fixture
def passed(component, people):
    """v3 has passed against v2, which is in production."""
    v2 = component.versions.get(version="v2")
    v3 = experiments.component_version(component, people["platform"], version="v3")
    golden = Experiment.objects.first().dataset_version
    asked = experiments.asked(v3, v2, golden)
    right = {RunArm.CANDIDATE: 1.0, RunArm.BASELINE: 0.6}
    experiments.answer_all(asked, experiments.partly_right(right, 40))
    conclusion.conclude(asked, at=clock.now())
    return Experiment.objects.with_names().get(pk=asked.pk)


@pytest.fixture
def running(passed, component):
    test = livetests.begin(passed, **FIXED, by=component.owner, at=clock.now())
    # Samples of tests lie a moment in the past.
    LiveTest.objects.filter(pk=test.pk).update(started_at=clock.now() - dt.timedelta(hours=2))
    return LiveTest.objects.get(pk=test.pk)


def met(unit, arm, right, *, before=None, number=0):
    row = {
        "id": f"{unit}-{arm}-{number}",
        "sampled_at": (clock.now() - dt.timedelta(minutes=5)).isoformat(),
        "output": "2" if right else "3",
        "expected": "2",
        "arm": arm,
        "unit": unit,
    }
    return row if before is None else row | {"before": before}


def traffic(shares, *, units=200, before=False, seed=1):
    """`units` users in each arm, right on its share of their questions."""
    chance = random.Random(seed)
    rows = []
    for arm, share in shares.items():
        for place in range(units):
            easy = chance.random()
            right = chance.random() < share + (0.3 * (easy - 0.5) if before else 0)
            rows.append(met(f"{arm}{place}", arm, right, before=easy if before else None))
    return rows


# ── Beginning ────────────────────────────────────────────────────────────────────────────────────────


def test_it_begins_with_an_experiment_that_passed_and_enters_the_ledger(passed, component):
    test = livetests.begin(passed, **FIXED, by=component.owner, at=clock.now())
    assert (test.margin, test.component) == (0.1, component)
    assert test.public_id.startswith("abt-")
    entry = LedgerEntry.objects.get(event=Event.LIVE_TEST_STARTED)
    assert entry.subject_id == test.public_id
    with pytest.raises(Conflict, match="running already"):
        livetests.begin(passed, **FIXED, by=component.owner, at=clock.now())


def test_what_has_not_passed_meets_no_user(passed, component):
    passed.verdicts.update(outcome="FAIL")
    with pytest.raises(Refused, match="has passed"):
        livetests.begin(passed, **FIXED, by=component.owner, at=clock.now())


def test_a_high_risk_change_meets_users_by_promotion_alone(passed, component):
    Component.objects.filter(pk=component.pk).update(risk="high")
    with pytest.raises(Refused, match="high-risk"):
        livetests.begin(Experiment.objects.get(pk=passed.pk), **FIXED, by=component.owner, at=clock.now())


def test_it_compares_with_what_runs(component):
    stale = Experiment.objects.get(candidate__version="v2")
    with pytest.raises(Refused, match="runs in production already"):
        livetests.begin(stale, **FIXED, by=component.owner, at=clock.now())


def test_its_metric_must_be_what_samples_are_scored_by(passed, component):
    Component.objects.filter(pk=component.pk).update(policy=None)
    with pytest.raises(Refused, match="scored by none"):
        livetests.begin(Experiment.objects.get(pk=passed.pk), **FIXED, by=component.owner, at=clock.now())


def test_others_do_not_begin_it(passed, approver):
    with pytest.raises(Refused):
        livetests.begin(passed, **FIXED, by=approver, at=clock.now())


@pytest.mark.parametrize("metric", ["charm", "token_f1", "latency_p95"])
def test_its_metric_is_one_of_the_policy_with_a_mean(passed, component, metric):
    with pytest.raises(Invalid, match="exact_match, output_tokens"):
        livetests.begin(passed, **FIXED | {"metric": metric}, by=component.owner, at=clock.now())


# ── Counting ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_unit_counts_once_with_its_mean(send, running):
    send(*[met("ann", "control", right, number=n) for n, right in enumerate([1, 1, 0])])
    send(met("ann", "control", 0, number=3))
    (unit,) = LiveUnit.objects.all()
    assert (unit.n, unit.total, unit.arm, unit.crossed) == (4, 2.0, "control", False)


def test_a_unit_that_met_both_arms_counts_for_nothing(send, running):
    send(met("ann", "control", 1), met("bob", "treatment", 1))
    send(met("ann", "treatment", 1))
    found = effects.of(running)
    assert found.crossed == 1
    assert {name: arm.n for name, arm in found.arms.items()} == {"control": 0, "treatment": 1}


def test_the_other_version_is_not_what_is_in_production(send, running, component):
    send(*traffic({"control": 0.9, "treatment": 0.1}, units=50))
    (exact,) = [each for each in watching.watched(component) if each.metric.name == "exact_match"]
    assert exact.after.n == 50


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"arm": "blue"}, "arm"),
        ({"unit": ""}, "unit"),
        ({"before": "much"}, "before"),
        ({"arm": None}, "arm"),
    ],
)
def test_bad_lines_are_located(send, running, change, field):
    with pytest.raises(Invalid) as refused:
        send(met("ann", "control", 1) | change)
    assert refused.value.extra["errors"][0]["field"] == field
    assert not LiveUnit.objects.exists()


def test_without_a_test_an_arm_is_refused_and_without_an_arm_a_unit(send, component):
    with pytest.raises(Invalid, match="no live test"):
        send(met("ann", "control", 1))
    row = met("ann", "control", 1)
    del row["arm"]
    with pytest.raises(Invalid, match="stands without arm"):
        send(row)


def test_once_something_else_is_in_production_the_test_counts_no_more(send, running, passed):
    """Its control would be taken for what runs."""
    send(met("ann", "control", 1))
    deployment = passed.component.deployments.get(ended_at=None)
    type(deployment).objects.filter(pk=deployment.pk).update(version=passed.candidate)
    with pytest.raises(Invalid, match="no longer in production; end it"):
        send(met("bob", "control", 1))


# ── What it shows ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("control", "treatment", "outcome"),
    [(0.3, 0.95, "PASS"), (0.95, 0.3, "FAIL"), (0.7, 0.68, "INCONCLUSIVE")],
)
def test_the_verdict_is_where_the_interval_lies(send, running, control, treatment, outcome):
    send(*traffic({"control": control, "treatment": treatment}))
    found = effects.of(running)
    assert found.outcome == outcome
    assert found.effect.kind == "any-time"


def test_moments_of_the_database_are_those_of_the_values(send, running):
    send(*traffic({"control": 0.5, "treatment": 0.8}, before=True))
    units = {
        arm: list(LiveUnit.objects.filter(arm=arm).values_list("total", "n", "before"))
        for arm in ("control", "treatment")
    }
    by_hand = {
        arm: Arm.of(np.array([total / n for total, n, _ in rows]), np.array([before for *_, before in rows]))
        for arm, rows in units.items()
    }
    found = effects.of(running)
    treated, control = by_hand["treatment"], by_hand["control"]
    assert found.plain.value == pytest.approx(effect_any_time(treated, control, planned=1000).value)
    ours, theirs = found.adjusted, cuped(treated, control, planned=1000)
    assert (ours.effect.ci_low, ours.theta) == pytest.approx((theirs.effect.ci_low, theirs.theta))
    assert found.effect == ours.effect


def test_while_the_split_is_off_nothing_is_read(send, running):
    send(*traffic({"control": 0.3}, units=300), *traffic({"treatment": 0.95}, units=120))
    found = effects.of(running)
    assert found.outcome == "INCONCLUSIVE"
    assert "mismatch" in found.sentence


def test_with_few_units_it_says_how_many_are_needed(send, running):
    send(*traffic({"control": 0.3, "treatment": 0.95}, units=20))
    assert "50 are needed" in effects.of(running).sentence


def test_with_none_too(running):
    found = effects.of(running)
    assert found.outcome == "INCONCLUSIVE"
    assert "no examples" in found.sentence


# ── Its end ──────────────────────────────────────────────────────────────────────────────────────────


def test_its_end_keeps_what_was_found_and_counts_no_more(send, running, component):
    send(*traffic({"control": 0.3, "treatment": 0.95}))
    late = met("late", "control", 1)
    ended = livetests.end(running.pk, reason="It is clear enough.", by=component.owner, at=clock.now())
    assert ended.conclusion["outcome"] == "PASS"
    assert send(late) == (1, 0)
    assert LiveUnit.objects.count() == 400
    entry = LedgerEntry.objects.get(event=Event.LIVE_TEST_ENDED)
    assert b'"outcome":"PASS"' in bytes(entry.canonical)
    with pytest.raises(Conflict, match="ended already"):
        livetests.end(running.pk, reason="It is clear enough.", by=component.owner, at=clock.now())
    with pytest.raises(Invalid, match="reason"):
        livetests.end(running.pk, reason="", by=component.owner, at=clock.now())


def test_the_page_shows_it_and_ends_it(send, running, component, approver):
    owner, path = signed_in(component.owner), running.get_absolute_url()
    assert "INCONCLUSIVE" in owner.get(path).content.decode()
    send(*traffic({"control": 0.3, "treatment": 0.95}))
    page = owner.get(path).content.decode()
    for words in ("PASS", "Better", "40 % of the 1000 planned", "End the live test", "v3", "v2"):
        assert words in page
    assert "End the live test" not in signed_in(approver).get(path).content.decode()
    assert running.public_id in owner.get("/components/adder/production/").content.decode()
    assert "at least 10" in owner.post(f"{path}end/", {"reason": "no"}, follow=True).content.decode()
    owner.post(f"{path}end/", {"reason": "It is clear enough."})
    assert "It is clear enough." in owner.get(path).content.decode()


def test_over_the_api(passed, component, ci):
    client = bearer(ci, "experiments:submit", "experiments:view")

    def post(path, body):
        return client.post(f"/api/v1/{path}", body, content_type="application/json")

    bad = post("live-tests", {"experiment": passed.public_id, "metric": "exact_match"})
    assert (bad.status_code, set(bad.json()["fields"])) == (400, {"planned_units"})
    begun = post("live-tests", {"experiment": passed.public_id, **FIXED})
    assert begun.status_code == 201
    body = begun.json()
    assert (body["control"], body["treatment"], body["treatment_share"]) == ("v2", "v3", 0.5)
    sent = client.post(
        "/api/v1/production/adder/samples",
        b"".join(lines(met("ann", "control", 1) | {"sampled_at": clock.now().isoformat()})),
        content_type="application/x-ndjson",
    )
    assert sent.json() == {"new": 1, "known": 0}
    found = client.get(f"/api/v1/live-tests/{body['id']}").json()
    assert found["result"]["units"] == {"control": 1, "treatment": 0}
    ended = post(f"live-tests/{body['id']}/end", {"reason": "It is clear enough."})
    assert ended.json()["ended_at"]
    assert client.get("/api/v1/live-tests/abt-1").status_code == 404


def test_a_stranger_does_not_see_it(running, people):
    other = person("other_owner", "owner")
    assert signed_in(other).get(running.get_absolute_url()).status_code == 404
