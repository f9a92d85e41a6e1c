"""PPI++ against published figures, and what must hold of it whatever the data."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import Z, mean_t
from evaltrack.stats.judge import rectified_mean
from evaltrack.stats.judge.rectified import tuned_weight, weighted

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)

LABELS = np.array([int(label) for label in "10110110110111010110"], dtype=float)
JUDGED = np.array([int(label) for label in "10111110100111011110"], dtype=float)
ONLY = np.array([1.0] * 120 + [0.0] * 80)


@pytest.mark.parametrize(
    ("weight", "value", "low", "high"),
    [(0, 0.65, 0.440963, 0.859037), (1, 0.55, 0.368505, 0.731495), (None, 0.594889, 0.431641, 0.758137)],
)
def test_the_published_mean(weight, value, low, high):
    weight = tuned_weight(LABELS, JUDGED, ONLY) if weight is None else weight
    mean, error = weighted(LABELS, JUDGED, ONLY, weight)
    assert (mean, mean - Z * error, mean + Z * error) == approx((value, low, high), abs=5e-7)


def test_the_published_weight():
    assert tuned_weight(LABELS, JUDGED, ONLY) == approx(0.55111, abs=5e-6)


def test_few_human_labels_have_no_interval():
    few = rectified_mean(LABELS, JUDGED, ONLY).estimate
    assert few.ci_low is None
    assert few.ci_undefined == "20 human labels do not support an interval beside a judge: 50 are needed"


def labelled(rng, n, others, error, share=0.7):
    truth = (rng.random(n + others) < share).astype(float)
    judge = np.where(rng.random(n + others) < error, 1 - truth, truth)
    return truth[:n], judge[:n], judge[n:]


def test_a_good_judge_narrows_the_interval_and_says_what_it_is_worth():
    labels, judged, only = labelled(np.random.default_rng(1), 120, 2000, 0.08)
    rectified, alone = rectified_mean(labels, judged, only), mean_t(labels)
    width = rectified.estimate.ci_high - rectified.estimate.ci_low
    alone_width = alone.ci_high - alone.ci_low
    assert width < 0.75 * alone_width
    # Precision goes with the root of the number of labels.
    assert rectified.worth == approx(120 * (alone_width / width) ** 2, rel=0.1)
    assert rectified.judged_only == 2000


def test_a_judge_that_errs_one_way_is_set_right():
    rng = np.random.default_rng(2)
    truth = (rng.random(20_000) < 0.5).astype(float)
    judge = np.where(rng.random(20_000) < 0.3, 1, truth)
    estimate = rectified_mean(truth[:2000], judge[:2000], judge[2000:]).estimate
    assert judge.mean() > 0.62
    assert estimate.ci_low <= 0.5 <= estimate.ci_high


@pytest.mark.parametrize(
    ("judge", "others"),
    [
        pytest.param(lambda labels: labels, ONLY, id="its errors were not seen"),
        pytest.param(lambda labels: np.ones_like(labels), np.ones(200), id="it says the same of everything"),
        pytest.param(lambda labels: 1 - labels, ONLY, id="it says the opposite"),
        pytest.param(lambda labels: np.roll(labels, 1), [], id="it labelled nothing else"),
    ],
)
def test_people_stand_alone_where_the_judge_cannot_help(judge, others):
    labels = np.tile(LABELS, 3)
    rectified = rectified_mean(labels, judge(labels), others)
    assert (rectified.weight, rectified.worth) == (0, 60)
    assert rectified.estimate == mean_t(labels)


def test_what_is_missing_or_wrong():
    assert rectified_mean([], [], ONLY) == Undefined("there are no values")
    assert rectified_mean([1.0] * 60, [1.0] * 60, ONLY).estimate.ci_low is None
    with pytest.raises(ValueError, match="19 labels of the judge do not stand beside 20"):
        rectified_mean(LABELS, JUDGED[1:], ONLY)
    with pytest.raises(ValueError, match="finite"):
        rectified_mean(LABELS, JUDGED, [float("nan")])


scores = st.lists(st.tuples(st.integers(-8, 8), st.integers(-8, 8)), min_size=50, max_size=80)


@repeatable
@given(scores, st.lists(st.integers(-8, 8), min_size=1, max_size=80), st.integers(-5, 5))
def test_exchanging_two_systems_and_moving_the_scale(pairs, only, step):
    labels, judged = np.array(pairs, dtype=float).T
    only = np.array(only, dtype=float)
    there, back = rectified_mean(labels, judged, only), rectified_mean(-labels, -judged, -only)
    assert there.estimate.value == approx(-back.estimate.value)
    assert 0 <= there.weight <= 1
    assert there.worth >= len(labels) - 1e-9
    if there.estimate.ci_low is not None:
        assert there.estimate.ci_low == approx(-back.estimate.ci_high)
    # Whatever the judge adds to each of its labels is taken off again.
    if there.weight:
        moved = rectified_mean(labels, judged + step + 0.25, only + step + 0.25)
        assert moved.estimate.value == approx(there.estimate.value)
