"""How far people agree about points of a scale: coefficients of one question's ratings, and of each two raters."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from annotation.agreement.compared import SEED, Statistic
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.icc import Form, icc
from evaltrack.stats.kappa import cohen_kappa, percent_agreement
from evaltrack.stats.pairwise import mean_pairwise_kappa
from evaltrack.stats.panel import Panel

# Points have an order, so ordinal alpha stands for them; the interval level takes the steps between them as equal.
HEADLINE = "krippendorff_alpha"


class Rating(NamedTuple):
    """`value` is a point of the scale, from 1."""

    task: int
    item: str
    rater: Hashable
    value: int


@dataclass(frozen=True)
class Rated:
    """Ratings of one question on a scale with so many points; a rater rates a task once."""

    ratings: list[Rating]
    points: int

    @cached_property
    def panel(self) -> Panel:
        tasks: dict[int, int] = {}
        items: dict[str, int] = {}
        of_task: list[int] = []
        for rating in self.ratings:
            if rating.task not in tasks:
                tasks[rating.task] = len(tasks)
                of_task.append(items.setdefault(rating.item, len(items)))
        counts = np.zeros((len(tasks), self.points), dtype=np.int64)
        for rating in self.ratings:
            counts[tasks[rating.task], rating.value - 1] += 1
        return Panel.of(counts, np.array(of_task, dtype=np.int64))

    def coefficients(self) -> dict[str, Statistic]:
        """By name; agreement in part counts by the square of the distance where the name ends in 2."""
        panel = self.panel
        scale = np.arange(1, self.points + 1)
        return {
            "percent_agreement": panel.percent(),
            "cohen_kappa": self.mean_kappa,
            "fleiss_kappa": panel.beyond_chance("fleiss", seed=SEED),
            HEADLINE: panel.alpha("ordinal", seed=SEED),
            "krippendorff_alpha_nominal": panel.alpha("nominal", seed=SEED),
            "krippendorff_alpha_interval": panel.alpha("interval", seed=SEED, values=scale),
            "krippendorff_alpha_ratio": panel.alpha("ratio", seed=SEED, values=scale),
            "gwet_ac1": panel.beyond_chance("gwet", seed=SEED),
            "gwet_ac2": panel.beyond_chance("gwet", seed=SEED, weights="quadratic"),
            **self.intraclass(),
        }

    @property
    def mean_kappa(self) -> Statistic:
        return mean_pairwise_kappa(
            ((rating.task, rating.rater, rating.value) for rating in self.ratings),
            seed=SEED,
            item_of={rating.task: rating.item for rating in self.ratings},
        ).kappa

    def intraclass(self) -> dict[str, Statistic]:
        """Of one rating and of the mean of a task's: by (2,·) where the same people rated everything, else by (1,·),
        as each task then has raters of its own."""
        by_task: dict[int, dict[Hashable, int]] = defaultdict(dict)
        for rating in self.ratings:
            by_task[rating.task][rating.rater] = rating.value
        if len({rating.item for rating in self.ratings}) < len(by_task):
            several = Undefined(
                "an intraclass correlation needs independent tasks, and here items have several"
            )
            return {"icc_single": several, "icc_mean": several}
        most = max((len(given) for given in by_task.values()), default=0)
        complete = [given for given in by_task.values() if len(given) == most]
        if most < 2:
            alone = Undefined("no task has two ratings")
            return {"icc_single": alone, "icc_mean": alone}
        same = len({frozenset(given) for given in complete}) == 1
        single: Form = "(2,1)" if same else "(1,1)"
        mean: Form = "(2,k)" if same else "(1,k)"
        # In one order of people where they are the same; else any will do.
        scores = [[given[rater] for rater in sorted(given, key=repr)] for given in complete]
        return {"icc_single": icc(scores, single, seed=SEED), "icc_mean": icc(scores, mean, seed=SEED)}

    def pairs(self, named: Callable[[Any], str], most: int) -> list[dict[str, Any]]:
        """Each two raters, those with most tasks in common first: kappa plain, and with partial agreement."""
        tables: dict[tuple[Hashable, Hashable], np.ndarray] = defaultdict(
            lambda: np.zeros((self.points, self.points), dtype=np.int64)
        )
        for one, other in self._together():
            first, second = sorted((one, other), key=lambda rating: repr(rating.rater))
            tables[first.rater, second.rater][first.value - 1, second.value - 1] += 1
        largest = sorted(tables.items(), key=lambda each: (-each[1].sum(), repr(each[0])))[:most]
        return [
            {
                "evaluators": [named(one), named(other)],
                "percent_agreement": percent_agreement(table).as_json(),
                "cohen_kappa": cohen_kappa(table, seed=SEED).as_json(),
                "cohen_kappa_linear": cohen_kappa(table, seed=SEED, weights="linear").as_json(),
                "cohen_kappa_quadratic": cohen_kappa(table, seed=SEED, weights="quadratic").as_json(),
            }
            for (one, other), table in largest
        ]

    def _together(self) -> Iterable[tuple[Rating, Rating]]:
        by_task: dict[int, list[Rating]] = defaultdict(list)
        for rating in self.ratings:
            by_task[rating.task].append(rating)
        for given in by_task.values():
            yield from combinations(given, 2)
