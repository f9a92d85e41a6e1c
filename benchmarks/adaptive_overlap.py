"""How many judgments adaptive overlap takes, and how often its labels are right, against fixed overlaps.

    python -m benchmarks.adaptive_overlap

Three labels, twelve evaluators of mixed skill, 40 % hard items. Skill is estimated as in the application, by
`annotation.settling.confidence`: from the first two judgments of all items and from those of the calibration slice.
It is not told the truth, nor which items are hard.
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from annotation.settling import confidence

LABELS = ("first", "second", "tie")
EVALUATORS = 12
HARD_SHARE = 0.4
# Accuracy on easy items is spread evenly over this; hard items cost everybody the same.
SKILL = (0.68, 0.98)
HARD_COSTS = 0.17
FIRST = 2

Said = list[tuple[int, str]]


@dataclass(frozen=True)
class Item:
    """The truth, and what each evaluator would say, in the random order in which they would be asked."""

    truth: str
    said: Said
    is_calibration: bool


def pool(chance: random.Random, *, items: int, calibration_share: float) -> list[Item]:
    low, high = SKILL
    skill = [low + (high - low) * n / (EVALUATORS - 1) for n in range(EVALUATORS)]
    return [item(chance, skill, calibration_share) for _ in range(items)]


def item(chance: random.Random, skill: Sequence[float], calibration_share: float) -> Item:
    truth = chance.choice(LABELS)
    costs = HARD_COSTS if chance.random() < HARD_SHARE else 0.0
    wrong = [label for label in LABELS if label != truth]
    said = [
        (evaluator, truth if chance.random() < skill[evaluator] - costs else chance.choice(wrong))
        for evaluator in chance.sample(range(EVALUATORS), EVALUATORS)
    ]
    return Item(truth, said, chance.random() < calibration_share)


def majority(said: Said, chance: random.Random) -> str:
    counts = Counter(label for _, label in said)
    most = max(counts.values())
    return chance.choice(sorted(label for label, count in counts.items() if count == most))


def probable(said: Said, known: confidence.Accuracies) -> str:
    found = confidence.posterior(said, known)
    return max(found, key=lambda label: found[label])


def fixed(items: list[Item], overlap: int, chance: random.Random) -> tuple[float, float]:
    """Judgments per item, and the share of labels that are right."""
    return overlap, fmean(majority(each.said[:overlap], chance) == each.truth for each in items)


def fixed_weighted(items: list[Item], overlap: int) -> tuple[float, float]:
    known = confidence.accuracies([each.said[:overlap] for each in items], labels=LABELS)
    return overlap, fmean(probable(each.said[:overlap], known) == each.truth for each in items)


def adaptive(items: list[Item], most: int, wanted: float) -> tuple[float, float]:
    first = [each.said[: most if each.is_calibration else FIRST] for each in items]
    known = confidence.accuracies(first, labels=LABELS)
    used, right = 0, 0
    for each in items:
        n = most if each.is_calibration else FIRST
        while n < most and confidence.certainty(each.said[:n], known) < wanted:
            n += 1
        used += n
        right += probable(each.said[:n], known) == each.truth
    return used / len(items), right / len(items)


def schemes(pools: list[list[Item]], seed: int) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    for overlap in (3, 5, 7):
        chance = random.Random(seed)
        yield f"Fixed {overlap}, majority", [fixed(items, overlap, chance) for items in pools]
    yield "Fixed 5, weighted", [fixed_weighted(items, 5) for items in pools]
    for wanted, most in ((0.85, 6), (0.90, 6), (0.95, 6), (0.98, 6), (0.98, 8)):
        yield f"Adaptive, {wanted} sure, 2 to {most}", [adaptive(items, most, wanted) for items in pools]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pools", type=int, default=20)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--calibration-share", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance = random.Random(given.seed)
    pools = [
        pool(chance, items=given.items, calibration_share=given.calibration_share) for _ in range(given.pools)
    ]
    print("| Scheme | Judgments per item | Accuracy | ± of its mean |\n|---|---|---|---|")
    for name, found in schemes(pools, given.seed):
        used, right = zip(*found, strict=True)
        error = 1.96 * stdev(right) / len(right) ** 0.5
        print(f"| {name} | {fmean(used):.2f} | {fmean(right):.3f} | {error:.3f} |")


if __name__ == "__main__":
    main()
