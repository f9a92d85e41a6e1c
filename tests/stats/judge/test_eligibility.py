"""A proxy needs fresh labels and equivalence, and equivalence is not the absence of a proven difference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.judge import favour, judge_bias, proxy_eligibility


def shown(low, high):
    return Estimate((low + high) / 2, low, high, 150, "Tango score interval")


SMALL = shown(-0.02, 0.03)
FRESH = [10.0] * 120


def test_all_conditions_hold():
    answer = proxy_eligibility(ages_in_days=FRESH, bias=SMALL, favour=SMALL, margin=0.05)
    assert answer.eligible
    assert answer.as_json() == {
        "eligible": True,
        "reasons": [
            "120 human labels of the last 90 days; 100 are asked for",
            "the judge's bias, +0.005 (-0.02 to +0.03), lies within ±0.05",
            "the judge's favour for one system, +0.005 (-0.02 to +0.03), lies within ±0.05",
        ],
    }


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            {"ages_in_days": [10.0] * 99 + [91.0] * 50},
            "99 human labels of the last 90 days; 100 are asked for",
        ),
        (
            {"bias": shown(-0.02, 0.05)},
            "the judge's bias, +0.015 (-0.02 to +0.05), does not lie within ±0.05",
        ),
        # Not significantly different from 0, and no more than that.
        (
            {"favour": shown(-0.08, 0.09)},
            "the judge's favour for one system, +0.005 (-0.08 to +0.09), does not",
        ),
        ({"favour": Undefined("there are no examples")}, "the judge's favour for one system has no value"),
        (
            {"bias": Estimate(0.01, None, None, 9, "t", "too few")},
            "the judge's bias is +0.01 without an interval",
        ),
    ],
)
def test_each_condition_can_fail_and_is_named_first(change, reason):
    given_facts = {"ages_in_days": FRESH, "bias": SMALL, "favour": SMALL, "margin": 0.05} | change
    answer = proxy_eligibility(**given_facts)
    assert not answer.eligible
    assert answer.reasons[0].startswith(reason)
    assert len(answer.reasons) == 3


@given(
    st.integers(0, 200),
    st.floats(-0.2, 0.2),
    st.floats(0, 0.2),
    st.floats(0.01, 0.3),
    st.floats(1, 3),
    st.integers(0, 50),
)
def test_more_labels_or_a_wider_margin_never_withdraw_it(labels, low, width, margin, wider, more):
    facts = shown(low, low + width)

    def asked(labels, margin):
        return proxy_eligibility(
            ages_in_days=[0.0] * labels, bias=facts, favour=SMALL, margin=margin
        ).eligible

    assert not asked(labels, margin) or asked(labels + more, margin * wider)


def test_from_labels_to_the_answer():
    rng = np.random.default_rng(1)
    truth, other = (rng.random((2, 400)) < 0.7).astype(int)

    def flip(labels, share):
        return np.where(rng.random(len(labels)) < share, 1 - labels, labels)

    good, partial = (
        (flip(truth, 0.02), flip(other, 0.02)),
        (flip(truth, 0.02), np.where(rng.random(400) < 0.2, 1, other)),
    )
    answers = [
        proxy_eligibility(
            ages_in_days=[1.0] * 400,
            bias=judge_bias(truth, judged),
            favour=favour(truth, judged, other, other_judged),
            margin=0.05,
        ).eligible
        for judged, other_judged in (good, partial)
    ]
    assert answers == [True, False]


@pytest.mark.parametrize(
    "wrong", [{"margin": 0.0}, {"ages_in_days": [-1.0]}, {"fewest": 0}, {"within_days": 0.0}]
)
def test_what_is_no_rule_is_refused(wrong):
    with pytest.raises(ValueError):
        proxy_eligibility(**{"ages_in_days": FRESH, "bias": SMALL, "favour": SMALL, "margin": 0.05} | wrong)
