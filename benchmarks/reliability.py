"""Agreement and evaluator quality of a million judgments, beside the packages that compute the same.

    python -m benchmarks.reliability --judgments 1000000

Each figure is the best of three calls, interval included where there is one. Goal: 500 ms for kappa and alpha, 1 s
for Dawid and Skene's model.
"""

import argparse
import sys
import time
from collections.abc import Callable

import krippendorff
import numpy as np

from evaltrack.stats.alpha import coded_alpha
from evaltrack.stats.coefficients import fleiss_kappa, gwet_ac
from evaltrack.stats.kappa import cohen_kappa, table_of
from evaltrack.stats.panel import Panel
from evaltrack.stats.patterns import distinct_units
from evaltrack.stats.raters import dawid_skene

LABELS, EACH, RATERS = 5, 3, 50
GOALS_MS = {"kappa, k = 5": 500, "alpha, nominal": 500, "alpha, ordinal": 500, "Dawid–Skene": 1000}


def best(call: Callable[[], object], times: int = 3) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return 1000 * min(spent)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judgments", type=int, default=1_000_000)
    rng = np.random.default_rng(1)
    number = parser.parse_args().judgments // EACH
    truth = rng.integers(0, LABELS, number)
    units = np.repeat(np.arange(number), EACH)
    # Three different raters for each unit.
    raters = ((rng.integers(0, RATERS, number)[:, None] + 7 * np.arange(EACH)) % RATERS).ravel()
    labels = np.where(rng.random(len(units)) < 0.7, truth[units], rng.integers(0, LABELS, len(units)))
    order = rng.permutation(len(units))
    units, raters, labels = units[order], raters[order], labels[order]
    other = np.where(rng.random(len(labels)) < 0.6, labels, rng.integers(0, LABELS, len(labels)))
    counts = np.bincount(units * LABELS + labels, minlength=number * LABELS).reshape(number, LABELS)
    panel, one, changed = (
        Panel.of(counts),
        Panel.of(counts[:1]),
        Panel.of(counts[:1] + np.eye(1, LABELS, dtype=int)),
    )

    def distinct(method: Callable[..., object]) -> object:
        patterns, times = distinct_units(units, labels, LABELS)
        return method(patterns.toarray(), times=times, seed=1)

    measured = {
        "kappa, k = 5": lambda: cohen_kappa(table_of(labels, other, LABELS), seed=1),
        "alpha, nominal": lambda: coded_alpha(units, labels, level="nominal", seed=1),
        "alpha, ordinal": lambda: coded_alpha(units, labels, level="ordinal", seed=1),
        "Fleiss' kappa": lambda: distinct(fleiss_kappa),
        "AC1": lambda: distinct(gwet_ac),
        "Dawid–Skene": lambda: dawid_skene(units, raters, labels, k=LABELS),
        "Dawid–Skene, one coin": lambda: dawid_skene(units, raters, labels, k=LABELS, one_coin=True),
        "live: one judgment": lambda: panel.minus(one).plus(changed),
        "live: alpha, both intervals": lambda: (
            panel.alpha("nominal", seed=1),
            panel.any_time("alpha", planned=1000),
        ),
        "krippendorff.alpha, value alone": lambda: krippendorff.alpha(
            value_counts=counts, value_domain=list(range(LABELS)), level_of_measurement="nominal"
        ),
    }
    slow = 0
    print(f"{len(units):,} judgments of {number:,} units, {LABELS} labels, {RATERS} raters")
    for name, call in measured.items():
        spent = best(call)
        late = spent > GOALS_MS.get(name, np.inf)
        slow += late
        print(f"{name:32} {spent:10.2f} ms{'  over its goal' if late else ''}", flush=True)
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
