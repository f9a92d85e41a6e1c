"""Pure: the value that the replies about one answer give. They come by order, those of one order sample by sample."""

from collections import Counter
from collections.abc import Sequence

from experiments.judging.asked import Asked
from experiments.judging.questions import scale
from experiments.judging.replies import Reply
from experiments.metrics.base import Value
from experiments.suite import MetricRule


def mean(several: Sequence[float]) -> float:
    return sum(several) / len(several)


def mean_score(rule: MetricRule, question: Asked, found: Sequence[Sequence[Reply]]) -> Value:
    low, high = scale(rule)
    return mean([((reply.score or 0) - low) / (high - low) for reply in found[0]])


def share(question: Asked, reply: Reply) -> float:
    return sum(reply.verdicts) / (question.count + question.wrong)


def mean_share(rule: MetricRule, question: Asked, found: Sequence[Sequence[Reply]]) -> Value:
    return mean([share(question, reply) for reply in found[0]])


def by_majority(rule: MetricRule, question: Asked, found: Sequence[Sequence[Reply]]) -> Value:
    """1 where more than half of the samples found a sentence without support; a draw is none."""
    unsupported = sum(not all(reply.verdicts) for reply in found[0])
    return float(2 * unsupported > len(found[0]))


def average_precision(rule: MetricRule, question: Asked, found: Sequence[Sequence[Reply]]) -> Value:
    return mean([precision_of(reply.verdicts) for reply in found[0]])


def precision_of(verdicts: Sequence[bool]) -> float:
    helpful, total = 0, 0.0
    for rank, helps in enumerate(verdicts, start=1):
        if helps:
            helpful += 1
            total += helpful / rank
    return total / helpful if helpful else 0.0


def preferred(found: Sequence[Reply]) -> str:
    """The choice of more than half; no majority is a tie."""
    choice, count = Counter(reply.choice for reply in found).most_common(1)[0]
    return choice if 2 * count > len(found) else "tie"


def leanings(found: Sequence[Sequence[Reply]]) -> tuple[int, int]:
    """In each order, 1 for the answer that stood first in the first order, −1 for the other, 0 for a tie."""
    sign = {"1": 1, "2": -1, "tie": 0}
    return sign[preferred(found[0])], -sign[preferred(found[1])]


def both_orders(rule: MetricRule, question: Asked, found: Sequence[Sequence[Reply]]) -> Value:
    """Preferred in both orders or it counts a half: what changes with the place is no preference."""
    one, other = leanings(found)
    return (1 + one) / 2 if one == other else 0.5
