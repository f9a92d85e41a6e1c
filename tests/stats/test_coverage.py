"""How often the intervals that people are shown contain the truth, against the table in docs/statistics.md.

Run as a script this file prints the rows of that table. Every row has its own seed, so that adding a row changes
no other. A result without an interval is neither right nor wrong: it is left out of the share.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from scipy import stats

from evaltrack.stats.agreement import krippendorff_alpha, preference_kappa
from evaltrack.stats.coefficients import brennan_prediger, fleiss_kappa, gwet_ac
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.independent import miettinen_nurminen, newcombe_independent, welch_difference
from evaltrack.stats.intervals import mean_t, quantile, wilson
from evaltrack.stats.kappa import cohen_kappa
from evaltrack.stats.monitoring import relative_change
from evaltrack.stats.paired import (
    mean_difference_t,
    newcombe_difference,
    quantile_difference,
    tango_difference,
)
from evaltrack.stats.pairwise import mean_pairwise_kappa
from evaltrack.stats.panel import Panel
from evaltrack.stats.preference import net_preference, net_preference_two_way, preference
from evaltrack.stats.strengths import RIGHT, strengths
from tests.stats import panels
from tests.stats.judge import simulated as judges
from tests.stats.panels import labels
from tests.stats.sequential import paths
from tests.stats.shown import MORE
from tests.stats.simulating import (
    COMMON,
    RARE,
    SMALL,
    independent_binary_coverage,
    paired_binary_coverage,
    share_coverage,
    share_covered,
    vector_coverage,
)
from tests.stats.strengths import voting

DOCUMENT = Path(__file__).parents[2] / "docs" / "statistics.md"


def kappa_coverage(prevalences, kappa, times=400):
    """Two raters who copy the truth or guess by prevalence: the table is κ·diag(π) + (1 − κ)·ππᵀ."""
    pi = np.array(prevalences)
    cells = kappa * np.diag(pi) + (1 - kappa) * np.outer(pi, pi)

    def simulated(n, rng):
        tables = rng.multinomial(n, cells.ravel(), size=times).reshape(times, *cells.shape)
        return share_covered((cohen_kappa(table, seed=i) for i, table in enumerate(tables)), kappa)

    return simulated


def alpha_coverage(n, rng):
    samples = (labels(rng, n, 3, (0.5, 0.3, 0.2), 0.5).tolist() for _ in range(200))
    return share_covered((krippendorff_alpha(s, level="nominal", seed=i) for i, s in enumerate(samples)), 0.5)


def alpha_of_counts(counts, seed):
    units = [np.repeat(np.arange(len(row)), row).tolist() for row in counts]
    return krippendorff_alpha(units, level="nominal", seed=seed)


def alpha_of_panel(counts, seed):
    return Panel.of(counts).alpha("nominal", seed=seed)


def ac1_of_panel(counts, seed):
    return Panel.of(counts).beyond_chance("gwet", seed=seed)


def rated(sample, names):
    return [
        (unit, rater, names[x]) for unit, row in enumerate(sample.tolist()) for rater, x in enumerate(row)
    ]


def preference_kappa_coverage(n, rng):
    samples = (rated(labels(rng, n, 3, (0.4, 0.4, 0.2), 0.4), ("A", "B", "tie")) for _ in range(200))
    results = (preference_kappa(s, between="raters", seed=i).kappa for i, s in enumerate(samples))
    return share_covered(results, 0.4)


def mean_pairwise_kappa_coverage(n, rng):
    samples = (rated(labels(rng, n, 3, (0.5, 0.3, 0.2), 0.5), "abc") for _ in range(100))
    return share_covered((mean_pairwise_kappa(s, seed=i).kappa for i, s in enumerate(samples)), 0.5)


def votes(rng, prompts):
    """Five votes a prompt; the chance to win varies between prompts, which correlates votes by about 0.3."""
    chance = rng.beta(1.4, 0.9333, size=(prompts, 1))
    won = np.where(rng.random((prompts, 5)) < chance, 1.0, -1.0)
    return won.ravel(), np.repeat(np.arange(prompts), 5)


FAVOUR = 2 * stats.norm.cdf(0.2 / 1.6**0.5) - 1  # the net preference of `votes_of_raters`


def votes_of_raters(rng, raters):
    """Each of 40 prompts judged by 3 of the raters; prompts and raters vary alike."""
    prompts = np.repeat(np.arange(40), 3)
    people = rng.random((40, raters)).argsort(axis=1)[:, :3].ravel()
    of_prompt, of_rater = rng.normal(0, 0.3**0.5, size=40), rng.normal(0, 0.3**0.5, size=raters)
    liking = 0.2 + of_prompt[prompts] + of_rater[people] + rng.normal(size=120)
    return np.sign(liking), prompts.tolist(), people.tolist()


def decisive_rate(rng, prompts):
    """The votes of `votes`, of which ties take 30 %, whoever would have won."""
    scores, of_prompt = votes(rng, prompts)
    tied = rng.random(len(scores)) < 0.3
    said = np.where(tied, "tie", np.where(scores > 0, "win", "loss")).tolist()
    return said, of_prompt.tolist(), [0] * len(said)


def difference_or_reason(fitted):
    return fitted if isinstance(fitted, Undefined) else fitted.difference(1, 0)


def undefeated_votes(rng, prompts):
    """The votes of three equal systems, and on each prompt one between one of them and a fourth, which wins."""
    votes = voting.drawn(rng, prompts, theta=(0, 0, 0), alike=1)
    more = rng.integers(0, 3, size=prompts), np.full(prompts, 3), np.full(prompts, RIGHT), np.arange(prompts)
    return [np.concatenate(both) for both in zip(votes, more, strict=True)]


def paired_lognormal(rng, n):
    baseline = rng.lognormal(size=n)
    return baseline * rng.lognormal(sigma=0.3, size=n), baseline


def latency_change(q):
    """The true difference of the quantiles of `paired_lognormal`: both are lognormal."""
    z = stats.norm.ppf(q)
    return np.exp(z * np.hypot(1, 0.3)) - np.exp(z)


LOOKS, FROM_50 = (20, 100, 500), (50, 100, 1000)

SIMULATIONS: dict[tuple[str, str], tuple[tuple[int, ...], Callable]] = {
    ("wilson", "share 0.5"): (SMALL, share_coverage(wilson, 0.5)),
    ("wilson", "share 0.9"): (SMALL, share_coverage(wilson, 0.9)),
    ("mean_t", "normal"): (SMALL, vector_coverage(mean_t, lambda rng, n: (rng.normal(size=n),), 0)),
    ("mean_t", "exponential"): (SMALL, vector_coverage(mean_t, lambda rng, n: (rng.exponential(size=n),), 1)),
    ("quantile 0.5", "lognormal"): (
        (20, 50, 200),
        vector_coverage(quantile, lambda rng, n: (rng.lognormal(size=n), 0.5), 1),
    ),
    ("quantile 0.95", "lognormal"): (
        (200, 1000),
        vector_coverage(quantile, lambda rng, n: (rng.lognormal(size=n), 0.95), stats.lognorm.ppf(0.95, 1)),
    ),
    ("tango_difference", "10 % discordant, Δ 0"): (SMALL, paired_binary_coverage(tango_difference, RARE)),
    ("tango_difference", "30 % discordant, Δ 0.1"): (SMALL, paired_binary_coverage(tango_difference, COMMON)),
    ("newcombe_difference", "10 % discordant, Δ 0"): (
        SMALL,
        paired_binary_coverage(newcombe_difference, RARE),
    ),
    ("newcombe_difference", "30 % discordant, Δ 0.1"): (
        SMALL,
        paired_binary_coverage(newcombe_difference, COMMON),
    ),
    ("mean_difference_t", "differences of exponentials"): (
        SMALL,
        vector_coverage(mean_difference_t, lambda rng, n: rng.exponential(size=(2, n)), 0),
    ),
    ("quantile_difference 0.5", "correlated lognormal"): (
        (20, 50, 200),
        vector_coverage(
            lambda x, y: quantile_difference(x, y, 0.5, seed=1, draws=1000), paired_lognormal, 0, 200
        ),
    ),
    ("quantile_difference 0.95", "correlated lognormal"): (
        (200,),
        vector_coverage(
            lambda x, y: quantile_difference(x, y, 0.95, seed=1, draws=1000),
            paired_lognormal,
            latency_change(0.95),
            200,
        ),
    ),
    ("miettinen_nurminen", "0.9 v 0.8, n each"): (
        SMALL,
        independent_binary_coverage(miettinen_nurminen, 0.9, 0.8),
    ),
    ("newcombe_independent", "0.9 v 0.8, n each"): (
        SMALL,
        independent_binary_coverage(newcombe_independent, 0.9, 0.8),
    ),
    ("welch_difference", "normal, sd 1 v 3, n each"): (
        SMALL,
        vector_coverage(
            welch_difference, lambda rng, n: (rng.normal(0, 1, size=n), rng.normal(0, 3, size=n)), 0
        ),
    ),
    ("cohen_kappa", "2 labels at 0.5, κ 0.6"): (SMALL, kappa_coverage((0.5, 0.5), 0.6)),
    ("cohen_kappa", "2 labels at 0.9, κ 0.9"): (SMALL, kappa_coverage((0.9, 0.1), 0.9)),
    ("cohen_kappa", "5 labels at 0.2, κ 0.8"): ((20, 50, 200), kappa_coverage((0.2,) * 5, 0.8)),
    ("krippendorff_alpha", "3 raters, 3 labels, α 0.5"): (SMALL, alpha_coverage),
    ("fleiss_kappa", "3 raters, 3 labels, κ 0.5"): (
        SMALL,
        vector_coverage(*panels.coefficient(fleiss_kappa, "fleiss", (0.5, 0.3, 0.2), 0.5)),
    ),
    ("fleiss_kappa", "3 raters, 3 labels, κ 0.5, a third of ratings missing"): (
        (20, 50, 200),
        vector_coverage(*panels.coefficient(fleiss_kappa, "fleiss", (0.5, 0.3, 0.2), 0.5, seen=2 / 3)),
    ),
    ("fleiss_kappa", "3 raters, 2 labels at 0.9, κ 0.5"): (
        SMALL,
        vector_coverage(*panels.coefficient(fleiss_kappa, "fleiss", (0.9, 0.1), 0.5)),
    ),
    ("fleiss_kappa", "3 raters, 2 labels at 0.9, κ 0.8"): (
        SMALL,
        vector_coverage(*panels.coefficient(fleiss_kappa, "fleiss", (0.9, 0.1), 0.8)),
    ),
    ("krippendorff_alpha", "3 raters, 2 labels at 0.9, α 0.5"): (
        SMALL,
        vector_coverage(*panels.coefficient(alpha_of_counts, "fleiss", (0.9, 0.1), 0.5)),
    ),
    ("krippendorff_alpha", "3 raters, 2 labels at 0.9, α 0.8"): (
        SMALL,
        vector_coverage(*panels.coefficient(alpha_of_counts, "fleiss", (0.9, 0.1), 0.8)),
    ),
    ("gwet_ac", "3 raters, 3 labels, AC1 0.55"): (
        SMALL,
        vector_coverage(*panels.coefficient(gwet_ac, "gwet", (0.5, 0.3, 0.2), 0.5)),
    ),
    ("gwet_ac", "3 raters, 2 labels at 0.9, AC1 0.89"): (
        SMALL,
        vector_coverage(*panels.coefficient(gwet_ac, "gwet", (0.9, 0.1), 0.5)),
    ),
    ("brennan_prediger", "3 raters, 3 labels, 0.54"): (
        SMALL,
        vector_coverage(*panels.coefficient(brennan_prediger, "brennan_prediger", (0.5, 0.3, 0.2), 0.5)),
    ),
    ("Panel.alpha", "3 raters, 2 labels at 0.98, 0.5: jackknife"): (
        (1000, 3000),
        vector_coverage(*panels.coefficient(alpha_of_panel, "fleiss", (0.98, 0.02), 0.5)),
    ),
    ("Panel.beyond_chance", "3 raters, 2 labels at 0.98, AC1 0.98: jackknife"): (
        (1000, 3000),
        vector_coverage(*panels.coefficient(ac1_of_panel, "gwet", (0.98, 0.02), 0.5)),
    ),
    ("Panel.any_time", "alpha 0.5, 3 raters, 3 labels, planned 300, from the 50th look"): (
        FROM_50,
        panels.live("alpha", (0.5, 0.3, 0.2), 0.5, 300),
    ),
    ("Panel.any_time", "AC1 0.89, 3 raters, 2 labels at 0.9, planned 300, from the 50th look"): (
        FROM_50,
        panels.live("gwet", (0.9, 0.1), 0.5, 300),
    ),
    ("icc (2,1)", "3 raters, a third of the error theirs, 0.5"): (
        SMALL,
        vector_coverage(*panels.scores("(2,1)", 3)),
    ),
    ("icc (2,k)", "mean of 3 raters, a third of the error theirs, 0.75"): (
        SMALL,
        vector_coverage(*panels.scores("(2,k)", 3)),
    ),
    ("icc (3,1)", "3 raters, 0.59"): (SMALL, vector_coverage(*panels.scores("(3,1)", 3))),
    ("preference_kappa", "3 raters, 20 % ties, κ 0.4"): (SMALL, preference_kappa_coverage),
    ("mean_pairwise_kappa", "3 raters, 3 labels, κ 0.5"): ((20, 50), mean_pairwise_kappa_coverage),
    ("net_preference", "n prompts × 5 votes, ρ 0.3"): (
        (5, 10, 20, 60),
        vector_coverage(net_preference, votes, 0.2),
    ),
    ("net_preference", "40 prompts × 3 of n raters, both with effects: too narrow for other raters"): (
        (5, 8, 12, 20),
        vector_coverage(lambda scores, prompts, _: net_preference(scores, prompts), votes_of_raters, FAVOUR),
    ),
    ("net_preference_two_way", "40 prompts × 3 of n raters, both with effects"): (
        (5, 8, 12, 20),
        vector_coverage(net_preference_two_way, votes_of_raters, FAVOUR),
    ),
    ("preference: decisive rate", "n prompts × 5 votes, 30 % ties, ρ 0.3"): (
        (5, 10, 20, 60),
        vector_coverage(lambda *said: preference(*said, seed=1).decisive_rate, decisive_rate, 0.6),
    ),
    ("strengths", "3 equal systems, n prompts × 4 votes, each prompt suits one"): (
        (20, 60, 200),
        vector_coverage(
            lambda *votes: difference_or_reason(strengths(*votes)),
            lambda rng, n: voting.drawn(rng, n, theta=(0, 0, 0), alike=1),
            0,
            1000,
        ),
    ),
    ("strengths", "the same and a fourth system that always wins, with `fall_back`"): (
        (20, 60, 200),
        vector_coverage(
            lambda *votes: difference_or_reason(strengths(*votes, fall_back=True)), undefeated_votes, 0, 1000
        ),
    ),
    ("rectified_mean", "judge errs in 8 % either way, n human labels and 2,000 more"): (
        (50, 100, 200),
        vector_coverage(*judges.rectified(0.08, 0.08)),
    ),
    ("rectified_mean", "judge passes 5 % of what fails, n human labels and 2,000 more"): (
        (50, 100, 200),
        vector_coverage(*judges.rectified(0, 0.05)),
    ),
    ("corrected_share", "share 0.8, rates 0.9 and 0.85, n checks each, 10n labels"): (
        (20, 50, 200),
        vector_coverage(*judges.corrected(0.8, 0.9, 0.85)),
    ),
    ("corrected_share", "share 0.95, rates 0.99 and 0.97, n checks each, 10n labels"): (
        (20, 50, 200),
        vector_coverage(*judges.corrected(0.95, 0.99, 0.97)),
    ),
    ("favour", "judge passes 2 % of what fails of one system, fails 2 % of what is good of the other"): (
        (100, 200, 500),
        vector_coverage(*panels.favoured(0.02, 0.02)),
    ),
    ("favour", "the same with 20 % and 5 %"): ((50, 100, 200), vector_coverage(*panels.favoured(0.2, 0.05))),
    ("beside_people", "a judge like each of 3 people"): (
        (20, 50, 200),
        vector_coverage(*panels.among_people(0.5)),
    ),
    ("relative_change", "shares 0.8 v 0.9, n each"): (
        SMALL,
        independent_binary_coverage(
            lambda x1, n1, x2, n2: relative_change(wilson(x1, n1), wilson(x2, n2)), 0.8, 0.9, of=-1 / 9
        ),
    ),
    ("relative_change", "means of exponentials, 4 v 5, n each"): (
        SMALL,
        vector_coverage(
            lambda after, before: relative_change(mean_t(after), mean_t(before)),
            lambda rng, n: (rng.exponential(4, size=n), rng.exponential(5, size=n)),
            -0.2,
        ),
    ),
    ("share_any_time", "share 0.5, at every look"): (LOOKS, paths.shares(0.5)),
    ("share_any_time", "share 0.9, at every look"): (LOOKS, paths.shares(0.9)),
    ("share_difference_any_time", "0.9 v 0.8, n each, at every look"): (
        LOOKS,
        paths.share_differences(0.9, 0.8),
    ),
    ("bounded_mean_any_time", "votes with 20 % ties, at every look"): (
        LOOKS,
        paths.bounded_means(paths.votes_with_ties, 0.5),
    ),
    ("bounded_mean_any_time", "Beta(0.5, 4.5), at every look"): (
        LOOKS,
        paths.bounded_means(paths.skewed_scores, 0.1),
    ),
    ("mean_any_time", "normal, planned 100, from the 50th look"): (
        FROM_50,
        paths.means(lambda rng, size: rng.normal(size=size), 0, 100),
    ),
    ("mean_any_time", "exponential, planned 100, from the 50th look"): (
        FROM_50,
        paths.means(lambda rng, size: rng.exponential(size=size), 1, 100),
    ),
    ("mean_any_time", "10 % discordant, planned 300, from the 50th look"): (
        FROM_50,
        paths.means(paths.paired_differences, 0, 300),
    ),
    ("mean_any_time", "n prompts × 5 votes, ρ 0.3, planned 100, from the 50th look"): (
        FROM_50,
        paths.means(paths.prompt_votes, 0.2, 100),
    ),
    ("linear_any_time", "κ 0.6, 2 labels at 0.5, planned 300, from the 50th look"): (
        FROM_50,
        paths.kappas(0.5, 0.6, 300),
    ),
    ("linear_any_time", "κ 0.6, 2 labels at 0.8, planned 300, from the 50th look"): (
        FROM_50,
        paths.kappas(0.8, 0.6, 300),
    ),
    ("effect_any_time", "exponential, planned 1000, n each, from the 50th look"): (
        FROM_50,
        paths.effects(lambda rng, size: rng.exponential(size=size), 1000),
    ),
    **MORE,
}


def rows() -> Iterator[tuple[str, str, int]]:
    return ((method, setting, n) for (method, setting), (sizes, _) in SIMULATIONS.items() for n in sizes)


def coverage(method: str, setting: str, n: int) -> float:
    rng = np.random.default_rng(crc32(f"{method} {setting} {n}".encode()))
    return float(SIMULATIONS[method, setting][1](n, rng))


def documented() -> dict[tuple[str, str, int], tuple[float, float]]:
    """Coverage and floor of each cell of the document's table."""
    line = re.compile(r"^\| `(.+?)` \| (.+?) \| (\d.+?) \| (0\.\d\d) \|$", re.MULTILINE)
    cells = {}
    for method, setting, measured, floor in line.findall(DOCUMENT.read_text(encoding="utf-8")):
        for cell in measured.split(", "):
            n, share = cell.split(": ")
            cells[method, setting, int(n)] = float(share), float(floor)
    return cells


def test_the_document_has_a_row_for_each_simulation():
    assert list(documented()) == list(rows())


def cells() -> Iterator[Any]:
    """The smallest n of each row is cheap and the hardest; the others, and paths of looks, are for `-m slow`."""
    for (method, setting), (sizes, _) in SIMULATIONS.items():
        for n in sizes:
            always = n == sizes[0] and sizes is not FROM_50 and "fall_back" not in setting
            yield pytest.param(method, setting, n, marks=[] if always else [pytest.mark.slow])


@pytest.mark.parametrize(("method", "setting", "n"), list(cells()))
def test_coverage_is_what_the_document_says(method, setting, n):
    share, floor = documented()[method, setting, n]
    measured = coverage(method, setting, n)
    assert measured >= floor
    assert measured == pytest.approx(share, abs=0.02)  # another numpy may draw other numbers


if __name__ == "__main__":
    for (method, setting), (sizes, _) in SIMULATIONS.items():
        shares = [coverage(method, setting, n) for n in sizes]
        cells = ", ".join(f"{n}: {share:.3f}" for n, share in zip(sizes, shares, strict=True))
        floor = min(0.93, int(100 * min(shares) - 1) / 100)
        print(f"| `{method}` | {setting} | {cells} | {floor:.2f} |", flush=True)
