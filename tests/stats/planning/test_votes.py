"""What votes vary by: the analysis of variance, known variances, and what more of anything would help."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.icc import icc
from evaltrack.stats.planning import VoteVariance, more_votes, vote_variance
from evaltrack.stats.preference import net_preference, net_preference_two_way

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
# Shrout & Fleiss 1979
TARGETS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
KNOWN = VoteVariance(0.25, 0.09, 0.64)


def columns(matrix, seen=None):
    prompt, rater = np.nonzero(np.ones_like(matrix, dtype=bool) if seen is None else seen)
    return np.asarray(matrix)[prompt, rater], prompt.tolist(), rater.tolist()


def drawn(rng, prompts=60, raters=8, share=0.4, of=KNOWN):
    """Votes of `of`, each pair of prompt and rater with the probability `share`."""
    own = rng.normal(0, of.prompt**0.5, size=(prompts, 1)) + rng.normal(0, of.rater**0.5, size=raters)
    return columns(own + rng.normal(0, of.rest**0.5, size=own.shape), rng.random(own.shape) < share)


def test_the_targets_of_shrout_and_fleiss_1979():
    parts = vote_variance(*columns(np.array(TARGETS, dtype=float)))
    assert (round(parts.reliability(1), 2), round(parts.reliability(4), 2)) == (0.29, 0.62)
    # Their mean squares: 11.24 between targets, 32.49 between judges, 1.02 the rest.
    assert parts.rest == approx(1.02, abs=5e-3)
    assert 4 * parts.prompt + parts.rest == approx(11.24, abs=5e-3)
    assert 6 * parts.rater + parts.rest == approx(32.49, abs=5e-3)


@repeatable
@given(st.integers(2, 8), st.integers(2, 5), st.integers(0, 10_000))
def test_reliability_of_complete_scores_is_the_intraclass_correlation(prompts, raters, seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(prompts, 1)) * 2 + rng.normal(size=(prompts, raters)) + rng.normal(size=raters)
    parts = vote_variance(*columns(scores))
    found = icc(scores, "(2,k)", seed=1)
    if isinstance(found, Estimate) and min(parts.prompt, parts.rater) > 0:
        assert parts.reliability(raters) == approx(found.value)


def test_known_variances_are_found_on_average_with_gaps_too():
    rng = np.random.default_rng(1)
    found = [vote_variance(*drawn(rng)) for _ in range(600)]
    for name in ("prompt", "rater", "rest"):
        # 600 pilots; eight raters show their variance to ± 60 % each.
        assert np.mean([getattr(each, name) for each in found]) == approx(getattr(KNOWN, name), rel=0.06)


def test_the_variance_is_that_of_the_mean():
    rng = np.random.default_rng(2)
    means = [drawn(rng, prompts=40, raters=6, share=1.0)[0].mean() for _ in range(4000)]
    assert np.var(means) == approx(KNOWN.variance(40, 6, 240), rel=0.08)


@repeatable
@given(st.integers(0, 10_000), st.floats(0.1, 10), st.floats(-50, 50))
def test_a_change_of_units_squares_and_a_shift_or_another_order_does_nothing(seed, scale, shift):
    rng = np.random.default_rng(seed)
    x, prompts, raters = drawn(rng, prompts=12, raters=4, share=0.7)
    ours = vote_variance(x, prompts, raters)
    if isinstance(ours, Undefined):
        return
    order = rng.permutation(len(x))
    names = [f"p{prompts[i]}" for i in order], [f"r{raters[i]}" for i in order]
    moved = vote_variance((x * scale + shift)[order], *names)
    for name in ("prompt", "rater", "rest"):
        assert getattr(moved, name) == approx(scale**2 * getattr(ours, name), abs=1e-8 * scale**2)


def test_intervals_are_those_that_the_votes_get():
    """What is planned from the variances is what the intervals of preferences come to."""
    rng = np.random.default_rng(5)
    x, prompts, raters = drawn(rng, prompts=400, raters=60, share=0.1, of=VoteVariance(0.02, 0.01, 0.07))
    x = np.clip(x, -1, 1)
    parts = vote_variance(x, prompts, raters)
    now = more_votes(parts, prompts=400, raters=60, votes=len(x)).now
    both = net_preference_two_way(x, prompts, raters)
    assert (both.ci_high - both.ci_low) / 2 == approx(now.half_width, rel=0.15)
    same_people = VoteVariance(parts.prompt, 0.0, parts.rest)
    alone = net_preference(x, prompts)
    half = more_votes(same_people, prompts=400, raters=60, votes=len(x)).now.half_width
    assert (alone.ci_high - alone.ci_low) / 2 == approx(half, rel=0.15)


def test_more_prompts_help_most_where_prompts_differ_and_more_raters_where_raters_do():
    alike = more_votes(VoteVariance(0.3, 0.0, 0.5), prompts=60, raters=10, votes=180)
    assert alike.raters.half_width == alike.now.half_width
    assert alike.sentence.endswith("twice the prompts helps most.")
    assert alike.prompts.half_width == approx(alike.now.half_width / 2**0.5)
    harsh = more_votes(VoteVariance(0.01, 0.5, 0.2), prompts=200, raters=4, votes=400)
    assert harsh.sentence.endswith("twice the raters helps most.")
    assert harsh.each.votes == 800
    assert more_votes(KNOWN, prompts=10, raters=3, votes=30).each is None
    assert "none of it helps" in more_votes(VoteVariance(0, 0, 0), prompts=9, raters=3, votes=9).sentence
    assert alike.now.as_json() == {
        "prompts": 60,
        "raters": 10,
        "votes": 180,
        "half_width": approx(1.959964 * (0.3 / 60 + 0.5 / 180) ** 0.5),
    }


@repeatable
@given(st.floats(0, 2), st.floats(0, 2), st.floats(0, 2), st.integers(2, 50), st.integers(2, 20))
def test_nothing_more_makes_an_interval_wider(prompt, rater, rest, prompts, raters):
    more = more_votes(
        VoteVariance(prompt, rater, rest), prompts=prompts, raters=raters, votes=max(prompts, raters)
    )
    for way in (more.prompts, more.raters, more.each):
        assert way is None or way.half_width <= more.now.half_width + 1e-12


def test_what_a_pilot_does_not_tell():
    assert "no votes" in vote_variance([], [], []).reason
    assert "two of each" in vote_variance([1.0, 0.0], ["a", "b"], ["x", "x"]).reason
    assert "two of each" in vote_variance([1.0, 0.0], ["a", "a"], ["x", "y"]).reason
    # Each rater has prompts of their own.
    nested = vote_variance([1.0, 0, 0, 1], [0, 1, 2, 3], [0, 0, 1, 1])
    assert "let raters share prompts" in nested.reason
    same = vote_variance([1.0] * 6, [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2)
    assert same == VoteVariance(0, 0, 0)
    assert "all votes are equal" in same.reliability(2).reason


def test_what_is_refused():
    with pytest.raises(ValueError, match="twice"):
        vote_variance([1.0, 0.0], [0, 0], [0, 0])
    with pytest.raises(ValueError, match="do not name"):
        vote_variance([1.0], [0, 0], [0])
    with pytest.raises(ValueError, match="finite"):
        vote_variance([float("nan")], [0], [0])
    with pytest.raises(ValueError, match="from 0 up"):
        VoteVariance(-0.1, 0, 0)
    with pytest.raises(ValueError, match="no pair has two"):
        KNOWN.variance(3, 3, 10)
    with pytest.raises(ValueError, match="no pair has two"):
        KNOWN.variance(30, 3, 10)
    with pytest.raises(ValueError, match="one rater or more"):
        KNOWN.reliability(0)
