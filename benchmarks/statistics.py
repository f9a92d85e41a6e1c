"""Statistics of a million judgments with their intervals, beside the row bootstrap of the usual packages.

    python -m benchmarks.statistics --size 1000000

Each figure starts from arrays with one row for each judgment, example or vote, so that counting them is part of it,
and ends with an interval: kappa's from 2,000 draws of its posterior, alpha's and macro-F1's from 2,000 bootstrap
draws, Bradley and Terry's strengths with cluster-robust intervals by prompt of every pair. Minimum and median of
several calls are shown.

The row bootstrap draws as many rows again, 2,000 times, and gives each draw to scikit-learn or krippendorff. It would
take minutes each, so a few draws are timed, and what 2,000 of them take is computed from that. Goal: less
than 0.5 s (1 s for the strengths), and at least 100 times faster than the row bootstrap.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import krippendorff
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, f1_score

from evaltrack.stats.alpha import Level, coded_alpha
from evaltrack.stats.classification import label_differences
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.kappa import cohen_kappa, table_of
from evaltrack.stats.resampling import DRAWS
from evaltrack.stats.strengths import strengths

LABELS, EACH, MODELS, VOTES_ON_PROMPT = 5, 3, 100, 10
MORE_LABELS, MORE_EACH = 10, 5  # of which 2,002 units are possible in place of 35
SEED = 1
FEW = 3  # draws of the row bootstrap that are timed

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """`ours` gives a value with its interval, `usual` does one draw of the row bootstrap and gives its value."""

    name: str
    goal: float
    ours: Callable[[], Estimate]
    usual: Callable[[np.random.Generator], float] | None = None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=9)
    given = parser.parse_args()
    missed = 0
    for task in tasks(given.size):
        found, spent = timed(task.ours, given.times)
        fastest, usual = min(spent), statistics.median(spent)
        late = usual > task.goal
        line = f"{task.name:40} {1000 * fastest:8.1f} ms, median {1000 * usual:8.1f} ms"
        if task.usual is not None:
            rng = np.random.default_rng(SEED)
            one = task.usual
            draws, each = timed(lambda one=one, rng=rng: one(rng), FEW)
            rows = DRAWS * min(each)
            late |= rows < 100 * usual
            line += f"   rows {rows:8.0f} s ({FEW} draws timed)   {rows / usual:9,.0f} times"
            check(task.name, found, draws)
        print(f"{line}   {shown(found)}{'   over the goal' if late else ''}", flush=True)
        missed += late
    return 1 if missed else 0


def timed(call: Callable[[], Any], times: int) -> tuple[Any, list[float]]:
    """What the last call gave, and the seconds of each."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        found = call()
        spent.append(time.perf_counter() - start)
    return found, spent


def check(name: str, found: Estimate, draw: float) -> None:
    """A draw of the row bootstrap lies near the value, or the two compute different things."""
    assert found.ci_low is not None
    assert found.ci_high is not None
    assert abs(draw - found.value) < 3 * (found.ci_high - found.ci_low), (name, found, draw)


def shown(found: Estimate) -> str:
    return f"{found.value:.4f} ({found.ci_low:.4f} to {found.ci_high:.4f})"


def estimated(found: Estimate | Undefined) -> Estimate:
    assert isinstance(found, Estimate), found
    return found


# ── What is measured ─────────────────────────────────────────────────────────────────────────────────


def tasks(size: int) -> list[Task]:
    rng = np.random.default_rng(SEED)
    truth = rng.integers(0, LABELS, size)
    one, other = (like(rng, truth, right) for right in (0.80, 0.78))
    units = size // EACH
    ratings = like(rng, np.repeat(rng.integers(0, LABELS, units), EACH), 0.7)
    unit_of = np.repeat(np.arange(units), EACH)
    shuffled = rng.permutation(len(ratings))
    judged, given = unit_of[shuffled], ratings[shuffled]
    table = ratings.reshape(units, EACH).T  # as krippendorff takes them: a row for each rater
    varied = size // MORE_EACH
    many = like(rng, np.repeat(rng.integers(0, MORE_LABELS, varied), MORE_EACH), 0.7, MORE_LABELS)
    of_many = np.repeat(np.arange(varied), MORE_EACH)
    mixed = rng.permutation(len(many))
    wide = many.reshape(varied, MORE_EACH).T
    left, right, outcomes, prompts = votes(rng, size)

    def kappa_of_rows(rng: np.random.Generator) -> float:
        drawn = rng.integers(0, size, size)
        return float(cohen_kappa_score(one[drawn], other[drawn]))

    def alpha_of_rows(level: str, table: Codes = table) -> Callable[[np.random.Generator], float]:
        def draw(rng: np.random.Generator) -> float:
            drawn = rng.integers(0, table.shape[1], table.shape[1])
            return float(krippendorff.alpha(table[:, drawn], level_of_measurement=level))

        return draw

    def f1_of_rows(rng: np.random.Generator) -> float:
        drawn = rng.integers(0, size, size)
        ours, theirs = (f1_score(truth[drawn], side[drawn], average="macro") for side in (one, other))
        return float(ours - theirs)

    return [
        Task("kappa of two raters", 0.5, lambda: kappa(one, other), kappa_of_rows),
        Task("alpha, nominal", 0.5, lambda: alpha(judged, given, "nominal"), alpha_of_rows("nominal")),
        Task("alpha, ordinal", 0.5, lambda: alpha(judged, given, "ordinal"), alpha_of_rows("ordinal")),
        Task(
            f"alpha, {MORE_LABELS} labels, {MORE_EACH} judgments a unit",
            0.5,
            lambda: alpha(of_many[mixed], many[mixed], "nominal"),
            alpha_of_rows("nominal", wide),
        ),
        Task(
            "paired difference of macro-F1",
            0.5,
            lambda: estimated(label_differences(truth, one, other, seed=SEED)["f1"]),
            f1_of_rows,
        ),
        Task(
            f"strengths of {MODELS} models, all pairs",
            1.0,
            lambda: closest(left, right, outcomes, prompts),
        ),
    ]


def like(rng: np.random.Generator, truth: Codes, right: float, labels: int = LABELS) -> Codes:
    """Labels that are the true one with this probability, and any otherwise."""
    return np.where(rng.random(len(truth)) < right, truth, rng.integers(0, labels, len(truth)))


def kappa(one: Codes, other: Codes) -> Estimate:
    return estimated(cohen_kappa(table_of(one, other, LABELS), seed=SEED))


def alpha(units: Codes, labels: Codes, level: Level) -> Estimate:
    return estimated(coded_alpha(units, labels, level=level, seed=SEED))


def votes(rng: np.random.Generator, size: int) -> tuple[Codes, Codes, Codes, Codes]:
    """Ten votes on each prompt, on any pairs of the models; one in five a tie. Prompts favour one of two styles."""
    strength = np.linspace(-1.0, 1.0, MODELS)
    prompts = np.arange(size) // VOTES_ON_PROMPT
    left = rng.integers(0, MODELS, size)
    right = (left + rng.integers(1, MODELS, size)) % MODELS
    favour = rng.normal(0, 0.5, prompts[-1] + 1)[prompts]
    style = np.arange(MODELS) % 2
    odds = strength[left] - strength[right] + favour * (style[left] - style[right])
    outcomes = np.where(rng.random(size) < 1 / (1 + np.exp(-odds)), 1, -1)
    outcomes[rng.random(size) < 0.2] = 0
    return left, right, outcomes, prompts


def closest(left: Codes, right: Codes, outcomes: Codes, prompts: Codes) -> Estimate:
    """The strengths, and of the intervals of all pairs that of the first two models."""
    found = strengths(left, right, outcomes, prompts)
    assert not isinstance(found, Undefined), found
    pairs = {pair: found.difference(*pair) for pair in combinations(range(MODELS), 2)}
    return pairs[0, 1]


if __name__ == "__main__":
    sys.exit(main())
