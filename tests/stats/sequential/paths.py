"""How often an any-time interval contains the truth at every look: whole paths, simulated.

Each function takes what is drawn and gives a simulation for `tests/stats/test_coverage.py`: of n observations, the
share of paths whose interval held after each of them. A path is judged by the evidence against the truth, which
reaches 1/α exactly where the interval misses it; the tests of each method say so.
"""

import numpy as np

from evaltrack.stats.independent import constrained_shares
from evaltrack.stats.sequential.asymptotic import FEWEST, best_rho, log_normal_mixture
from evaltrack.stats.sequential.scores import LOG_STAKE, MOST_STAKED, predictable_bets
from evaltrack.stats.sequential.shares import LOG_THRESHOLD, log_beta_mixture


def shares(p, paths=4000):
    def simulated(n, rng):
        successes = np.cumsum(rng.random((paths, n)) < p, axis=1)
        return (log_beta_mixture(successes, np.arange(1, n + 1), p) < LOG_THRESHOLD).all(axis=1).mean()

    return simulated


def share_differences(p1, p2, paths=200):
    """Both sides grow by one outcome at a time, n each; a look after every pair."""

    def simulated(n, rng):
        m = np.arange(1, n + 1)
        x1, x2 = (np.cumsum(rng.random((paths, n)) < p, axis=1) for p in (p1, p2))
        fitted = np.array(
            [
                [constrained_shares(int(a), k, int(b), k, p1 - p2) for k, a, b in zip(m, *row, strict=True)]
                for row in zip(x1, x2, strict=True)
            ]
        ).clip(0, 1)
        evidence = log_beta_mixture(x1, m, fitted[..., 0]) + log_beta_mixture(x2, m, fitted[..., 1])
        return (evidence < LOG_THRESHOLD).all(axis=1).mean()

    return simulated


def bounded_means(draw, mean, paths=2000):
    def simulated(n, rng):
        x = draw(rng, (paths, n))
        held = np.ones(paths, dtype=bool)
        for side, centre in ((x, mean), (1 - x, 1 - mean)):
            bets = np.array([predictable_bets(row) for row in side])
            capital = np.cumsum(np.log1p(np.minimum(bets, MOST_STAKED / centre) * (side - centre)), axis=1)
            held &= (capital < LOG_STAKE).all(axis=1)
        return held.mean()

    return simulated


def means(draw, mean, planned, paths=4000):
    """Looks after every observation from the 50th on; `draw` gives one row of values per path."""

    def simulated(n, rng):
        x, m = draw(rng, (paths, n)), np.arange(1, n + 1)
        average = np.cumsum(x, axis=1) / m
        variance = (np.cumsum(x**2, axis=1) - m * average**2) / np.maximum(m - 1, 1)
        return held(average - mean, np.sqrt(np.maximum(variance, 0)), m, planned, FEWEST)

    return simulated


def effects(draw, planned, paths=2000):
    """Two arms without a difference that fill side by side, n each; a look after every pair from 50 on."""

    def simulated(n, rng):
        m = np.arange(1, n + 1)
        moments = []
        for _ in range(2):
            x = draw(rng, (paths, n))
            average = np.cumsum(x, axis=1) / m
            moments.append((average, np.cumsum(x**2, axis=1) / m - average**2))
        (a, v), (b, w) = moments
        return held(
            a - b, np.sqrt(2 * np.maximum(v + w, 0) * m / np.maximum(m - 1, 1)), 2 * m, planned, FEWEST
        )

    return simulated


def kappas(prevalence, kappa, planned, paths=2000):
    """Cohen's kappa of two raters, a look after every item; the spread is √n times Fleiss, Cohen & Everitt's SE."""

    def simulated(n, rng):
        pi, m = np.array([prevalence, 1 - prevalence]), np.arange(1, n + 1)[:, None, None]
        cells = (kappa * np.diag(pi) + (1 - kappa) * np.outer(pi, pi)).ravel()
        labels = rng.choice(4, p=cells, size=(paths, n))
        p = np.cumsum(np.eye(4)[labels], axis=1).reshape(paths, n, 2, 2) / m
        rows, columns = p.sum(axis=3), p.sum(axis=2)
        chance = (rows * columns).sum(axis=2)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = (p[..., 0, 0] + p[..., 1, 1] - chance) / (1 - chance)
            weight = np.eye(2) - (columns[..., :, None] + rows[..., None, :]) * (1 - found)[..., None, None]
            squares = (p * weight**2).sum(axis=(2, 3)) - (found - chance * (1 - found)) ** 2
            spread = np.sqrt(np.maximum(squares, 0)) / (1 - chance)
        return held(found - kappa, spread, m.ravel(), planned, FEWEST)

    return simulated


def held(error, spread, units, planned, first):
    """The share of paths without a miss from the look `first` on; without a spread there is no interval."""
    with np.errstate(divide="ignore", invalid="ignore"):
        evidence = log_normal_mixture(units * error / spread, units, best_rho(planned))
    return ((evidence < LOG_THRESHOLD) | (spread == 0))[:, first - 1 :].all(axis=1).mean()


def votes_with_ties(rng, size):
    return rng.choice([0, 0.5, 1], p=[0.4, 0.2, 0.4], size=size)


def skewed_scores(rng, size):
    return rng.beta(0.5, 4.5, size=size)


def paired_differences(rng, size):
    """Of 0/1 outcomes with 10 % discordant pairs and no difference."""
    return rng.choice([-1, 0, 1], p=[0.05, 0.9, 0.05], size=size)


def prompt_votes(rng, size):
    """Means of five votes from −1 to 1 by prompt, one value each; the chance to win varies between prompts."""
    return 2 * rng.binomial(5, rng.beta(1.4, 1.4 * 2 / 3, size=size)) / 5 - 1
