"""What people said, on the page of the experiment: what it shows is what the verdict was made of."""

import csv
import io

import pytest

from evaltrack import clock
from evaltrack.stats.estimate import Estimate, Undefined
from experiments import evidence, human
from tests.accounts.callers import signed_in
from tests.factories import experiments

DISAGREE = "People disagree on this metric; read with care."


def suite(**rule):
    return {**experiments.SUITE, "human": {**experiments.SUITE["human"], "floor": 0.4, "margin": 0.2, **rule}}


@pytest.fixture
def awaiting(people):
    return experiments.measured(**people, risk="high", suite=suite())


@pytest.fixture
def page(people):
    def get(experiment, query=""):
        return signed_in(people["owner"]).get(f"/experiments/{experiment.public_id}/{query}")

    return get


def speak(experiment, by, *, net=(0.1, 0.3, 0.5), agreement=(0.5, 0.6, 0.7)):
    low, value, high = net
    least, kappa, most = agreement
    return evidence.record_human_evidence(
        experiment.pk,
        net_preference=Estimate(value, low, high, 12, "test"),
        agreement=Estimate(kappa, least, most, 6, "test"),
        judgments=12,
        items=6,
        judgments_root="ab" * 32,
        by=by,
        at=clock.now(),
        counts={"candidate": 7, "baseline": 3, "tie": 1, "both_bad": 1},
    )


@pytest.mark.parametrize(
    ("agreement", "usable", "part", "outcome", "disagree"),
    [
        ((0.4, 0.6, 0.7), "usable", "PASS", "PASS", False),
        ((0.39, 0.6, 0.7), "inconclusive", "INCONCLUSIVE", "INCONCLUSIVE", False),
        ((0.1, 0.3, 0.5), "inconclusive", "INCONCLUSIVE", "INCONCLUSIVE", True),
        ((0.0, 0.2, 0.39), "unreliable", "INCONCLUSIVE", "INCONCLUSIVE", True),
    ],
)
def test_the_same_preference_passes_only_where_people_agree(
    awaiting, lead, page, agreement, usable, part, outcome, disagree
):
    verdict = speak(awaiting, lead, agreement=agreement)
    assert (verdict.automated, verdict.people, verdict.outcome) == ("PASS", part, outcome)
    found = human.of(awaiting, at=clock.now()).spoken
    assert (found.usable, found.judged[0], found.disagree) == (usable, part, disagree)
    text = page(awaiting).content.decode()
    assert (DISAGREE in text) == disagree
    assert found.effect.replace("'", "&#x27;") in text
    assert ("cannot pass the gate" in found.effect) == (part != "PASS")


def test_what_cannot_pass_can_still_fail(awaiting, lead, page):
    assert speak(awaiting, lead, net=(-0.9, -0.7, -0.5), agreement=(0.0, 0.2, 0.3)).outcome == "FAIL"
    assert (
        human.of(awaiting, at=clock.now()).spoken.effect
        == "They cannot pass the gate. They can fail it, and do."
    )
    assert "They can fail it, and do." in page(awaiting).content.decode()


def test_the_page_shows_win_rate_preference_and_agreement_with_intervals(awaiting, lead, page):
    speak(awaiting, lead)
    text = page(awaiting).content.decode()
    for shown in ("65.0 %", "55.0 % to 75.0 %", "+0.300", "0.600", "0.500 to 0.700", "the floor of 0.4"):
        assert shown in text
    assert "12 judgments of 6 items" in text
    assert "Too little for a word: 10 decisive votes on 6 prompts, 20 on 10 are needed." in text


def test_a_win_rate_is_net_preference_on_another_scale():
    found = human.win_rate(Estimate(0.3, 0.1, 0.5, 12, "test"))
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx((0.65, 0.55, 0.75))
    without = human.win_rate(Estimate(1.0, None, None, 3, "test", ci_undefined="too few"))
    assert (without.value, without.ci_low) == (1.0, None)
    assert human.win_rate(Undefined("nobody judged")) == Undefined("nobody judged")


def test_before_people_have_judged_the_page_says_what_is_asked_of_them(awaiting, page):
    text = page(awaiting).content.decode()
    assert "6 items, 2 judgments each" in text
    assert "until they are in, there is no PASS" in text


def test_a_proxy_is_named_until_people_have_judged(awaiting, lead, page):
    experiments.proxy_stands_in(awaiting, lead)
    assert "exact_match stands in for them" in page(awaiting).content.decode()
    speak(awaiting, lead)
    assert "stands in for them" not in page(awaiting).content.decode()


def test_where_nobody_is_asked_there_is_nothing(people, page):
    experiment = experiments.measured(**people)
    assert human.of(experiment, at=clock.now()) is None
    assert "What people say" not in page(experiment).content.decode()
    assert page(experiment, "?format=csv&table=people").status_code == 404


def test_what_people_said_as_a_file(awaiting, lead, page):
    speak(awaiting, lead, agreement=(0.0, 0.2, 0.3))
    rows = list(csv.DictReader(io.StringIO(page(awaiting, "?format=csv&table=people").content.decode())))
    assert [row["measure"] for row in rows] == [
        "win rate of the candidate",
        "net preference for the candidate",
        "Preference kappa",
    ]
    assert [float(row["value"]) for row in rows] == pytest.approx([0.65, 0.3, 0.2])
    assert [row["says"] for row in rows] == ["", "INCONCLUSIVE", "unreliable"]


def test_undefined_agreement_is_shown_as_such(awaiting, lead, page):
    evidence.record_human_evidence(
        awaiting.pk,
        net_preference=Estimate(0.3, 0.1, 0.5, 12, "test"),
        agreement=Undefined("nobody judged the same item"),
        judgments=12,
        items=6,
        judgments_root="ab" * 32,
        by=lead,
        at=clock.now(),
    )
    text = page(awaiting).content.decode()
    assert "nobody judged the same item" in text
    assert "Too few to say" in text
    assert DISAGREE not in text
