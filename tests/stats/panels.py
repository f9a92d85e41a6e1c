"""Raters with a known agreement, and judges with known errors, for the coverage of what measures them."""

from collections.abc import Callable

import numpy as np

from evaltrack.stats.coefficients import BY_CHANCE
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.icc import icc
from evaltrack.stats.judge import beside_people, favour
from evaltrack.stats.panel import Panel


def labels(rng, n, raters, prevalences, agreement):
    """n × raters labels: each rater copies the unit's label with probability √agreement, or guesses."""
    truth = rng.choice(len(prevalences), p=prevalences, size=(n, 1))
    guess = rng.choice(len(prevalences), p=prevalences, size=(n, raters))
    return np.where(rng.random((n, raters)) < agreement**0.5, truth, guess)


def counts(rng, n, raters, prevalences, agreement, seen=1.0):
    """How many raters gave each unit each label; each rating is there with probability `seen`."""
    drawn = labels(rng, n, raters, prevalences, agreement)
    there = rng.random(drawn.shape) < seen
    return np.stack([((drawn == label) & there).sum(axis=1) for label in range(len(prevalences))], axis=1)


def truth_of(chance, prevalences, agreement):
    """What a coefficient of many such units tends to."""
    shares = np.array(prevalences)
    observed = agreement + (1 - agreement) * float(shares @ shares)
    expected = float(BY_CHANCE[chance](shares, np.eye(len(shares))))
    return (observed - expected) / (1 - expected)


def coefficient(method, chance, prevalences, agreement, seen=1.0) -> tuple[Callable, Callable, float, int]:
    """The method, its arguments for n units of three raters, the truth, and how many samples."""
    return (
        lambda table: method(table, seed=1),
        lambda rng, n: (counts(rng, n, 3, prevalences, agreement, seen),),
        truth_of(chance, prevalences, agreement),
        200,
    )


def scores(form, raters, of_raters=0.3) -> tuple[Callable, Callable, float]:
    """Normal scores: units have variance 1, raters and residual 1 together."""

    def draw(rng, n):
        own = rng.normal(0, of_raters**0.5, size=(1, raters))
        return (rng.normal(size=(n, 1)) + own + rng.normal(0, (1 - of_raters) ** 0.5, size=(n, raters)),)

    error = 1 - of_raters if form[1] == "3" else 1
    return lambda table: icc(table, form, seed=1), draw, 1 / (1 + error / (raters if form[3] == "k" else 1))


def live(chance, prevalences, agreement, planned, paths=300, step=10):
    """The share of paths on which the interval held at every tenth unit from the 50th to the n-th."""
    truth = truth_of("fleiss" if chance == "alpha" else chance, prevalences, agreement)

    def simulated(n, rng):
        held = []
        for _ in range(paths):
            right, units = True, counts(rng, n, 3, prevalences, agreement)
            for seen in range(50, n + 1, step):
                if right:
                    shown = Panel.of(units[:seen]).any_time(chance, planned=planned)
                    if not isinstance(shown, Undefined) and shown.ci_low is not None:
                        right = shown.ci_low <= truth <= shown.ci_high
            held.append(right)
        return np.mean(held)

    return simulated


def favoured(passed, failed) -> tuple[Callable, Callable, float]:
    """Two systems, right in 70 %; the judge passes wrong ones of the first, and fails right ones of the other."""

    def draw(rng, n):
        truth, other = rng.random((2, n)) < 0.7
        judged = truth | (rng.random(n) < passed)
        other_judged = other & (rng.random(n) >= failed)
        return [each.astype(float) for each in (truth, judged, other, other_judged)]

    return favour, draw, 0.3 * passed + 0.7 * failed


def among_people(agreement) -> tuple[Callable, Callable, float]:
    """A judge that copies or guesses like three people, so that it agrees as they do."""

    def draw(rng, n):
        drawn = labels(rng, n, 4, (0.5, 0.3, 0.2), agreement)
        return np.repeat(np.arange(n), 3), drawn[:, :3].ravel(), drawn[:, 3]

    return lambda *given: beside_people(*given).difference, draw, 0.0
