"""Pure: how sure a task's label is, from who said what and how often each of them is right.

The model is Dawid & Skene's (1979) with one number per person, the "one coin": somebody of accuracy a names the true
label with probability a, and each of the other k − 1 labels with probability (1 − a)/(k − 1), whatever others say.
With no label favoured beforehand, the posterior of label t is in proportion to

    ∏ over judgments:  a of its evaluator, if they said t;  (1 − a)/(k − 1), if they did not.

Nobody knows the truth, so accuracy is estimated from agreement, by moments (the idea of Platanios, Blum & Mitchell
2014). Each judgment is compared with the others of its task, never with itself: q of an evaluator is the mean share
of others who said the same, and s the mean over all judgments. (With a majority of the others in place of their
share, the next line would have no closed form; of two judgments, both are one.) Two people of accuracies a and r
agree with probability a·r + (1 − a)(1 − r)/(k − 1); so

    r  = (1 + √((k − 1)(k·s − 1))) / k        how often people are right: two alike agree with probability s
    aᵢ = (qᵢ − e) / (r − e),  e = (1 − r)/(k − 1)

Both q and s are first shrunk as the mean of a Beta posterior: s towards the agreement of people of accuracy
`USUAL_ACCURACY`, which weighs `USUAL_WEIGHT` judgments; q towards s, which weighs `COMMON_WEIGHT`. So a newcomer is
taken for an average evaluator, and two who happen to agree at first for nobody better.

Everybody is compared with people of accuracy r, though those whom the best meet are a little worse than that: with
five people from 0.5 to 0.9 the estimates are up to 0.07 off.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

# What a judgment may say of a task's two responses.
LABELS = ("first", "second", "tie", "both_bad")

USUAL_ACCURACY, USUAL_WEIGHT = 0.7, 20
COMMON_WEIGHT = 20
# Nobody is so good that their word alone settles a task at the usual confidence, nor worse than a guess.
BEST_ACCURACY = 0.95
# r − e must stay away from 0, where agreement says nothing about accuracy.
LEAST_ABOVE_CHANCE = 0.1


@dataclass(frozen=True)
class Accuracies:
    """How often people are right: each who has been seen, and what is assumed of anybody else."""

    usual: float
    labels: Sequence[str] = LABELS
    known: Mapping[int, float] = field(default_factory=dict)

    def of(self, evaluator: int) -> float:
        return self.known.get(evaluator, self.usual)


def accuracies(tasks: Iterable[Sequence[tuple[int, str]]], *, labels: Sequence[str] = LABELS) -> Accuracies:
    """From the judgments of each task: (evaluator, label). A task that one person judged says nothing."""
    agreed: dict[int, float] = {}
    compared: dict[int, int] = {}
    for said in tasks:
        if len(said) < 2:
            continue
        counts: dict[str, int] = {}
        for _, label in said:
            counts[label] = counts.get(label, 0) + 1
        for evaluator, label in said:
            agreed[evaluator] = agreed.get(evaluator, 0.0) + (counts[label] - 1) / (len(said) - 1)
            compared[evaluator] = compared.get(evaluator, 0) + 1
    k = len(labels)
    expected = chance_to_agree(USUAL_ACCURACY, USUAL_ACCURACY, k)
    common = shrunk(math.fsum(agreed.values()), sum(compared.values()), expected, USUAL_WEIGHT)
    usual = accuracy_of_equals(common, k)
    return Accuracies(
        usual=usual,
        labels=labels,
        known={
            evaluator: accuracy_beside(usual, shrunk(agreed[evaluator], n, common, COMMON_WEIGHT), k)
            for evaluator, n in compared.items()
        },
    )


def posterior(said: Iterable[tuple[int, str]], known: Accuracies) -> dict[str, float]:
    """How probable each label is, given (evaluator, label) of every judgment of the task."""
    k = len(known.labels)
    weights = dict.fromkeys(known.labels, 0.0)
    for evaluator, label in said:
        accuracy = known.of(evaluator)
        # All labels share the factor (1 − a)/(k − 1); what was said differs from it by this.
        weights[label] += math.log(accuracy * (k - 1) / (1 - accuracy))
    top = max(weights.values())
    odds = {label: math.exp(weight - top) for label, weight in weights.items()}
    total = math.fsum(odds.values())
    return {label: each / total for label, each in odds.items()}


def certainty(said: Iterable[tuple[int, str]], known: Accuracies) -> float:
    """The probability of the most probable label."""
    return max(posterior(said, known).values())


def shrunk(successes: float, n: int, towards: float, weight: float) -> float:
    """The mean of a Beta posterior whose prior has this mean and weight."""
    return (successes + weight * towards) / (n + weight)


def chance_to_agree(one: float, other: float, k: int) -> float:
    return one * other + (1 - one) * (1 - other) / (k - 1)


def accuracy_of_equals(agreement: float, k: int) -> float:
    """The accuracy of people, all alike, who agree so often."""
    root = math.sqrt(max(0.0, (k - 1) * (k * agreement - 1)))
    return bounded((1 + root) / k, least=1 / k + LEAST_ABOVE_CHANCE)


def accuracy_beside(others: float, agreement: float, k: int) -> float:
    """The accuracy of somebody who agrees so often with people of accuracy `others`."""
    by_error = (1 - others) / (k - 1)
    return bounded((agreement - by_error) / (others - by_error), least=1 / k)


def bounded(accuracy: float, *, least: float) -> float:
    return min(max(accuracy, least), BEST_ACCURACY)
