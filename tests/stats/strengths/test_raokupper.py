"""Rao and Kupper's ties against the published fit, and against Davidson's."""

import numpy as np
import pytest
from hypothesis import given, settings
from scipy import optimize, special

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.strengths import LEFT, RIGHT, TIE, rao_kupper, strengths, tie_models
from tests.stats.strengths.test_davidson import season_by_place, some_votes, tastings

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def test_chocolate_pudding():
    fitted = rao_kupper(*tastings(), order=False)
    worth = np.exp(fitted.strengths)
    assert worth / worth.sum() == approx([0.14440, 0.17179, 0.16282, 0.16608, 0.16038, 0.19453], abs=5e-6)
    assert fitted.threshold == approx(1.74846, abs=5e-6)
    assert fitted.order_effect == 0


def test_the_puddings_do_not_tell_the_models_apart():
    both = tie_models(*tastings(), order=False)
    assert abs(both.log_ratio) < 0.05
    assert both.sentence.startswith("The votes hardly tell")


def chances(model, eta):
    """P(left), P(tie), P(right) with a third of ties between equals."""
    if model == "davidson":
        weights = np.stack([np.exp(eta / 2), np.ones_like(eta), np.exp(-eta / 2)])
        return weights / weights.sum(axis=0)
    left, right = special.expit(eta - np.log(2)), special.expit(-eta - np.log(2))
    return np.stack([left, 1 - left - right, right])


@pytest.mark.parametrize(("model", "sign"), [("davidson", 1), ("rao_kupper", -1)])
def test_votes_speak_for_the_model_that_drew_them(model, sign):
    rng = np.random.default_rng(1)
    theta = np.array([0.0, 1.5, 3.0, -2.0])
    left = rng.integers(0, 4, size=20_000)
    right = (left + rng.integers(1, 4, size=20_000)) % 4
    shares = chances(model, theta[left] - theta[right] + 0.3)
    outcomes = 1 - (rng.random(20_000) > np.cumsum(shares, axis=0)[:2]).sum(axis=0)
    both = tie_models(left, right, outcomes, np.arange(20_000))
    assert np.sign(both.log_ratio) == sign
    assert ("Davidson's ties fit better than Rao and Kupper's" in both.sentence) == (sign == 1)
    fitted = both.davidson if model == "davidson" else both.rao_kupper
    assert fitted.strengths == approx(theta - theta.mean(), abs=0.15)
    if model == "rao_kupper":
        assert fitted.order_effect == approx(0.3, abs=0.1)
        assert fitted.threshold == approx(2, abs=0.1)


def test_without_ties_both_are_bradley_and_terrys():
    both = tie_models(*season_by_place())
    assert both.rao_kupper.strengths == approx(both.davidson.strengths, abs=1e-8)
    assert both.rao_kupper.threshold == 1
    assert both.log_ratio == approx(0, abs=1e-9)


@settings(derandomize=True, deadline=None, max_examples=30)
@given(some_votes)
def test_it_is_the_maximum_that_another_optimizer_finds(rows):
    left, by, outcomes, prompts = np.array(rows).T
    right = (left + by) % 4
    fitted = rao_kupper(left, right, outcomes, prompts, order=False)
    assert isinstance(fitted, Undefined) == isinstance(
        strengths(left, right, outcomes, prompts, order=False), Undefined
    )
    if isinstance(fitted, Undefined) or not (outcomes == TIE).any():
        return

    def negative(parameters):
        theta, tau = np.append(0, parameters[:3]), np.exp(parameters[3])
        eta = theta[left] - theta[right]
        won, lost = special.expit(eta - tau), special.expit(-eta - tau)
        chance = np.select([outcomes == LEFT, outcomes == RIGHT], [won, lost], 1 - won - lost)
        return -np.log(np.maximum(chance, 1e-300)).sum()

    best = optimize.minimize(negative, np.zeros(4), method="BFGS")
    assert fitted.log_likelihood == approx(-best.fun, abs=1e-4)


def test_undefined_where_davidsons_is():
    assert rao_kupper([], [], [], []) == tie_models([], [], [], []) == Undefined("there are no votes")
    assert "groups" in rao_kupper([0], [1], [LEFT], [0], order=False).reason
    assert rao_kupper([0, 1], [1, 0], [TIE, TIE], [0, 1], order=False) == Undefined("all votes are ties")
