"""Pure: the forms in which a judge is asked, one for each metric, and what its replies make of an answer.

    asked = forms.asked(rule, answered, rival)      # an Asked; or the value, where nobody needs to be asked
    asked.said(call), asked.read(call, text)        # what to say, and the reply to it
    forms.value(rule, asked, replies)               # the value that all calls together give

One output is judged by `calls(rule)` calls: `samples` times the same, and a pair each time in both orders.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evaltrack.stats.estimate import Undefined
from experiments.judging import questions, sums
from experiments.judging.asked import Asked
from experiments.judging.replies import Reply
from experiments.metrics import judged
from experiments.metrics.base import Answered, Value
from experiments.suite import MetricRule

PAIRWISE = "judge_pairwise"
TOO_FEW = Undefined(f"{judged.JUDGE_ERROR}too few of its replies could be read")


@dataclass(frozen=True)
class Form:
    prompt: str
    asks: Callable[[MetricRule, str, Answered, Answered | None], Asked | Value]
    sums_up: Callable[[MetricRule, Asked, Sequence[Sequence[Reply]]], Value]


def samples(rule: MetricRule) -> int:
    return rule.parameters.get("samples", 1)


def calls(rule: MetricRule) -> int:
    """How many calls judge one output."""
    return samples(rule) * (2 if rule.metric == PAIRWISE else 1)


def asked(rule: MetricRule, answered: Answered, rival: Answered | None = None) -> Asked | Value:
    """What to ask about an answer; or its value, where there is nothing to ask. `rival` is the other arm's answer."""
    form = FORMS[rule.metric]
    return form.asks(rule, form.prompt, answered, rival)


def value(rule: MetricRule, question: Asked, found: Sequence[Reply | Undefined]) -> Value:
    """The value that the replies give, in the order of calls; Undefined where the judge failed too often.

    More than half of the samples must have come in each order: fewer are no majority.
    """
    by_order: list[list[Reply]] = []
    for order in range(len(question.orders)):
        several = found[order :: len(question.orders)]
        readable = [each for each in several if isinstance(each, Reply)]
        if 2 * len(readable) <= samples(rule):
            return next((each for each in several if isinstance(each, Undefined)), TOO_FEW)
        by_order.append(readable)
    return FORMS[rule.metric].sums_up(rule, question, by_order)


FORMS: dict[str, Form] = {
    "judge_rubric": Form("rubric", questions.by_rubric, sums.mean_score),
    PAIRWISE: Form("pairwise", questions.by_pair, sums.both_orders),
    "judge_answer_relevance": Form("answer_relevance", questions.by_relevance, sums.mean_score),
    "judge_claim_coverage": Form("claim_coverage", questions.by_claims, sums.mean_share),
    "judge_faithfulness": Form("faithfulness", questions.by_sentences, sums.mean_share),
    "judge_hallucination_rate": Form("faithfulness", questions.by_sentences, sums.by_majority),
    "judge_context_precision": Form("context_precision", questions.by_passages, sums.average_precision),
    "judge_context_recall": Form("context_recall", questions.by_held_claims, sums.mean_share),
    "judge_citation_precision": Form("citation_precision", questions.by_citations, sums.mean_share),
    "judge_citation_recall": Form("citation_recall", questions.by_cited_sentences, sums.mean_share),
}
