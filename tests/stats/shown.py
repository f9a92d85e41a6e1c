"""More of the intervals that people are shown, with samples of known truth, for the table of coverage."""

from functools import partial

import numpy as np

from evaltrack.stats.alpha import coded_alpha
from evaltrack.stats.blinding import blinding_index
from evaltrack.stats.classification import auc_difference, label_differences
from evaltrack.stats.conger import conger_kappa
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import clopper_pearson, jeffreys, mid_p
from evaltrack.stats.judge import judge_bias
from evaltrack.stats.kappa import agreement_weights, cohen_kappa, weighted_kappas
from evaltrack.stats.paired import (
    bonett_price_difference,
    conditional_odds_ratio,
    mean_difference_bca,
    mean_difference_clustered,
    probability_better,
    pseudo_median,
    quantile_ratio,
)
from evaltrack.stats.strengths import strengths
from tests.stats.panels import labels
from tests.stats.simulating import (
    COMMON,
    RARE,
    SMALL,
    paired_binary_coverage,
    share_coverage,
    share_covered,
    vector_coverage,
)
from tests.stats.strengths import voting


def of_five_groups(rng, n):
    """Paired differences in n groups of five examples that are alike, ρ 0.5."""
    alike = rng.normal(size=(n, 1)) + rng.normal(size=(n, 5))
    return alike.ravel(), np.zeros(5 * n), np.repeat(np.arange(n), 5)


def rated_pairs(rng, n):
    """Ratings from 1 to 5 of two systems: better in 33 %, worse in 17 %."""
    baseline = rng.integers(1, 6, n).astype(float)
    step = rng.choice([-1.0, 0.0, 1.0], p=(0.17, 0.5, 0.33), size=n)
    return baseline + step, baseline


def classified(rng, n):
    """Three classes; the candidate is right in 85 % and the baseline in 75 %, wrong ones evenly."""
    truth = rng.integers(0, 3, n)
    wrong = (truth + rng.integers(1, 3, size=(2, n))) % 3
    return truth, *(np.where(rng.random(n) < p, truth, w) for p, w in zip((0.85, 0.75), wrong, strict=True))


def ranked(rng, n):
    """n examples of either kind; both score them with d′ = 1.2 and a correlation of 0.5."""
    truth = np.repeat([0, 1], n)
    common = rng.normal(size=2 * n)
    return truth, *(0.5**0.5 * (common + rng.normal(size=2 * n)) + 1.2 * truth for _ in range(2))


def correlated_lognormal(rng, n):
    baseline = rng.lognormal(size=n)
    return baseline * rng.lognormal(sigma=0.3, size=n), baseline


def people_voting(rng, raters):
    return voting.judged(rng, 60, raters)


def weighted_kappa_coverage(weights, prevalences, agreement):
    """Two raters as in `panels.labels`; the truth is that of the whole table of chances."""
    p = np.array(prevalences)
    cells = agreement * np.diag(p) + (1 - agreement) * np.outer(p, p)
    truth = float(weighted_kappas(cells, agreement_weights(weights, len(p))))

    def simulated(n, rng, times=1000):
        tables = rng.multinomial(n, cells.ravel(), size=times).reshape(times, *cells.shape)
        results = (cohen_kappa(table, seed=i, weights=weights) for i, table in enumerate(tables))
        return share_covered(results, truth)

    return simulated


def alpha_at(level, n, rng):
    """Ordered labels of three raters, each the unit's, or one drawn: the truth is α of 200,000 units."""
    prevalences = (0.1, 0.2, 0.4, 0.2, 0.1)
    many = np.random.default_rng(0)
    large = labels(many, 200_000, 3, prevalences, 0.5)
    unit = np.repeat(np.arange(200_000), 3)
    truth = coded_alpha(unit, large.ravel(), level=level, seed=1).value
    samples = (labels(rng, n, 3, prevalences, 0.5) for _ in range(200))
    unit = np.repeat(np.arange(n), 3)
    results = (coded_alpha(unit, sample.ravel(), level=level, seed=i) for i, sample in enumerate(samples))
    return share_covered(results, truth)


def conger_sample(rng, n):
    drawn = labels(rng, n, 3, (0.5, 0.3, 0.2), 0.5)
    return np.repeat(np.arange(n), 3), np.tile(np.arange(3), n), drawn.ravel()


def guesses(rng, evaluators):
    """Ten guesses of each evaluator; each sees through the blinding in a share of items, 10 % on average."""
    seen = rng.beta(1, 9, size=(evaluators, 1))
    right = rng.random((evaluators, 10)) < seen + (1 - seen) / 2
    return np.where(right, 1, -1).ravel(), np.repeat(np.arange(evaluators), 10), np.arange(10 * evaluators)


def biased_judge(rng, n):
    truth = (rng.random(n) < 0.7).astype(float)
    return truth, np.where(rng.random(n) < 0.1, 1.0, truth)


def order_effect(left, right, outcomes, prompts):
    fitted = strengths(left, right, outcomes, prompts)
    return fitted if isinstance(fitted, Undefined) else fitted.order_effect


def against_average(*votes):
    fitted = strengths(*votes)
    return fitted if isinstance(fitted, Undefined) else fitted.strength(0)


def first_difference(*votes, raters=None):
    fitted = strengths(*votes, raters=raters)
    return fitted if isinstance(fitted, Undefined) else fitted.difference(1, 0)


MORE = {
    **{
        (method.__name__, f"share {p}"): (SMALL, share_coverage(method, p))
        for method in (clopper_pearson, mid_p, jeffreys)
        for p in (0.5, 0.9)
    },
    ("bonett_price_difference", "10 % discordant, Δ 0"): (
        SMALL,
        paired_binary_coverage(bonett_price_difference, RARE),
    ),
    ("bonett_price_difference", "30 % discordant, Δ 0.1"): (
        SMALL,
        paired_binary_coverage(bonett_price_difference, COMMON),
    ),
    ("conditional_odds_ratio", "30 % discordant, ratio 2"): (
        (20, 50, 200),
        paired_binary_coverage(conditional_odds_ratio, COMMON, of=2.0),
    ),
    ("probability_better", "ratings, better in 33 %, worse in 17 %"): (
        SMALL,
        vector_coverage(probability_better, rated_pairs, 0.58),
    ),
    ("pseudo_median", "normal differences"): (
        SMALL,
        vector_coverage(pseudo_median, lambda rng, n: (rng.normal(size=n), np.zeros(n)), 0, 1000),
    ),
    ("mean_difference_clustered", "n groups of 5 examples, ρ 0.5"): (
        (5, 10, 20, 60),
        vector_coverage(mean_difference_clustered, of_five_groups, 0),
    ),
    ("mean_difference_bca", "exponential differences"): (
        (50, 200),
        vector_coverage(
            lambda x: mean_difference_bca(x, np.zeros(len(x)), seed=1),
            lambda rng, n: (rng.exponential(size=n),),
            1,
            400,
        ),
    ),
    ("label_differences f1", "3 classes, right in 85 % v 75 %"): (
        (50, 200),
        vector_coverage(lambda *sides: label_differences(*sides, seed=1)["f1"], classified, 0.1, 400),
    ),
    ("auc_difference", "two equal scores, ρ 0.5, n of either kind"): (
        SMALL,
        vector_coverage(auc_difference, ranked, 0, 1000),
    ),
    ("quantile_ratio 0.5", "correlated lognormal"): (
        (20, 50, 200),
        vector_coverage(
            lambda x, y: quantile_ratio(x, y, 0.5, seed=1, draws=1000), correlated_lognormal, 1, 200
        ),
    ),
    ("cohen_kappa", "linear weights, 5 labels at 0.1 to 0.4, κ 0.5"): (
        (20, 50, 200),
        weighted_kappa_coverage("linear", (0.1, 0.2, 0.4, 0.2, 0.1), 0.5),
    ),
    ("cohen_kappa", "quadratic weights, 5 labels at 0.1 to 0.4, κ 0.5"): (
        (20, 50, 200),
        weighted_kappa_coverage("quadratic", (0.1, 0.2, 0.4, 0.2, 0.1), 0.5),
    ),
    ("coded_alpha", "ordinal, 3 raters, 5 labels at 0.1 to 0.4, α 0.5"): (
        SMALL,
        partial(alpha_at, "ordinal"),
    ),
    ("coded_alpha", "interval, 3 raters, 5 labels at 0.1 to 0.4, α 0.5"): (
        SMALL,
        partial(alpha_at, "interval"),
    ),
    ("conger_kappa", "3 raters, 3 labels, κ 0.5"): (
        SMALL,
        vector_coverage(lambda *columns: conger_kappa(*columns, k=3, seed=1), conger_sample, 0.5, 200),
    ),
    ("blinding_index", "n evaluators × 10 guesses, 0.1"): (
        (5, 10, 20, 60),
        vector_coverage(blinding_index, guesses, 0.1),
    ),
    ("judge_bias", "judge passes 10 % of what fails, share 0.7"): (
        (20, 50, 200),
        vector_coverage(judge_bias, biased_judge, 0.03),
    ),
    ("strengths: order effect", "3 equal systems, n prompts × 4 votes, 0.3"): (
        (20, 60, 200),
        vector_coverage(
            order_effect, lambda rng, n: voting.drawn(rng, n, theta=(0, 0, 0), delta=0.3), 0.3, 400
        ),
    ),
    ("strengths: against the average", "3 systems of 0.5, 0 and −0.5, n prompts × 4 votes"): (
        (20, 60, 200),
        vector_coverage(
            against_average, lambda rng, n: voting.drawn(rng, n, theta=(0.5, 0, -0.5), delta=0.0), 0.5, 400
        ),
    ),
    ("strengths", "60 prompts × 3 of n raters, both with effects, by prompt alone"): (
        (5, 8, 12, 20),
        vector_coverage(lambda *votes: first_difference(*votes[:4]), people_voting, 0, 300),
    ),
    ("strengths", "the same, by prompt and rater"): (
        (5, 8, 12, 20),
        vector_coverage(lambda *votes: first_difference(*votes[:4], raters=votes[4]), people_voting, 0, 300),
    ),
}
