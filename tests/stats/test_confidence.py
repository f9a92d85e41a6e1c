"""Intervals of another confidence than 95 %: as wide as the test at that level says."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evaltrack.stats import independent, paired
from evaltrack.stats.estimate import Estimate, TestResult
from evaltrack.stats.intervals import tail_of, z_of

repeatable = settings(derandomize=True, deadline=None, max_examples=60)
confidences = st.floats(0.5, 0.9999)
bits = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=5, max_size=60)
scores = st.lists(
    st.tuples(st.integers(-20, 20).map(float), st.integers(-20, 20).map(float)), min_size=5, max_size=40
)


def test_the_usual_confidence_is_a_fortieth_on_each_side():
    assert tail_of(0.95) == pytest.approx(0.025)
    assert z_of(0.95) == pytest.approx(1.959964)
    assert z_of(0.99) == pytest.approx(2.575829)
    for none in (0.0, 1.0, float("nan")):
        with pytest.raises(ValueError):
            tail_of(none)


def same_decision(found, p_below, p_above, confidence, margin):
    """The interval excludes −margin exactly when a one-sided test at half the level rejects it."""
    assert isinstance(found, Estimate)
    assert isinstance(p_below, TestResult)
    assert isinstance(p_above, TestResult)
    assert found.confidence == confidence
    tail = (1 - confidence) / 2
    assume(abs(p_below.p_value - tail) > 1e-9 and abs(p_above.p_value - tail) > 1e-9)
    assert (found.ci_high < -margin) == (p_below.p_value < tail)
    assert (found.ci_low > -margin) == (p_above.p_value < tail)


@repeatable
@given(bits, confidences, st.sampled_from([0.02, 0.1]))
def test_of_shares(pairs, confidence, margin):
    ours, theirs = (np.array(side) for side in zip(*pairs, strict=True))
    same_decision(
        paired.tango_difference(ours, theirs, confidence=confidence),
        paired.p_below(ours, theirs, margin),
        paired.p_above(ours, theirs, margin),
        confidence,
        margin,
    )
    counts = int(ours.sum()), len(ours), int(theirs.sum()), len(theirs)
    same_decision(
        independent.miettinen_nurminen(*counts, confidence=confidence),
        independent.p_below(ours, theirs, margin),
        independent.p_above(ours, theirs, margin),
        confidence,
        margin,
    )


@repeatable
@given(scores, confidences)
def test_of_means(pairs, confidence):
    ours, theirs = (np.array(side) for side in zip(*pairs, strict=True))
    assume(len(set(ours - theirs)) > 1 and len(set(ours)) > 1 and len(set(theirs)) > 1)
    assume(not set(ours) | set(theirs) <= {0.0, 1.0})
    for module, difference in (
        (paired, paired.mean_difference_t),
        (independent, independent.welch_difference),
    ):
        same_decision(
            difference(ours, theirs, confidence=confidence),
            module.p_below(ours, theirs, 0.5),
            module.p_above(ours, theirs, 0.5),
            confidence,
            0.5,
        )


def test_of_quantiles_as_far_as_the_draws_reach():
    rng = np.random.default_rng(3)
    ours, theirs = rng.exponential(size=(2, 300))

    def at(confidence):
        return paired.quantile_difference(ours, theirs, 0.5, seed=1, confidence=confidence)

    usual, wider = at(0.95), at(0.99)
    assert wider.ci_low < usual.ci_low <= usual.value <= usual.ci_high < wider.ci_high
    assert wider.confidence == 0.99
    beyond = at(0.9999)
    assert beyond.ci_low is None
    assert beyond.ci_undefined == "2,000 resamples do not show limits of 99.9900% confidence"


@repeatable
@given(
    st.lists(st.tuples(st.integers(-9, 9).map(float), st.integers(0, 7)), min_size=8, max_size=50),
    confidences,
)
def test_of_groups(rows, confidence):
    d, groups = np.array([row[0] for row in rows]), [row[1] for row in rows]
    found = paired.mean_difference_clustered(d, np.zeros(len(d)), groups, confidence=confidence)
    assume(found.ci_low is not None)
    below = paired.clustered_p_below(d, np.zeros(len(d)), groups, 0.5)
    above = paired.clustered_p_below(np.zeros(len(d)), d, groups, 0.0)
    tail = (1 - confidence) / 2
    assume(abs(below.p_value - tail) > 1e-9 and abs(above.p_value - tail) > 1e-9)
    assert (found.ci_high < -0.5) == (below.p_value < tail)
    assert (found.ci_low > 0) == (above.p_value < tail)


def test_the_spread_by_groups_is_the_plain_one_where_each_example_is_its_own():
    rng = np.random.default_rng(5)
    ours, theirs = rng.normal(size=(2, 40))
    spread = paired.spread_by_clusters(ours, theirs, list(range(40)))
    assert spread == pytest.approx((ours - theirs).std(ddof=1))
    doubled = paired.spread_by_clusters(np.repeat(ours, 2), np.repeat(theirs, 2), [n // 2 for n in range(80)])
    assert doubled == pytest.approx(spread * np.sqrt(2))
