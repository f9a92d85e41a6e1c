"""Pure: the forms in which a judge is asked, one for each metric, and what its replies make of an answer.

    asked = forms.asked(rule, answered, rival)      # an Asked; or the value, where nobody needs to be asked
    asked.said(call), asked.read(call, text)        # what to say, and the reply to it
    forms.value(rule, asked, replies)               # the value that all calls together give

One output is judged by `calls(rule)` calls: `samples` times the same, and a pair each time in both orders.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.judging import prompts, replies
from experiments.judging.material import Part, as_text, cut, laid_out, mark_of
from experiments.judging.replies import Reply
from experiments.metrics import judged
from experiments.metrics.base import NO_ANSWER, NO_REFERENCE, Answered, Value
from experiments.metrics.citations import MOST_CITED, NO_CITATIONS
from experiments.metrics.rag import NO_CLAIMS, NOTHING_RETRIEVED
from experiments.metrics.support import MOST_PASSAGES, NO_PASSAGES, NO_SENTENCE, claims, said
from experiments.metrics.text import markers, reference
from experiments.suite import MetricRule

PAIRWISE = "judge_pairwise"
TOO_FEW = Undefined(f"{judged.JUDGE_ERROR}too few of its replies could be read")


@dataclass(frozen=True)
class Said:
    """What a judge is told: how to judge, and the material that it judges."""

    instructions: str
    material: str

    @property
    def variables(self) -> dict[str, str]:
        """As a judge's configuration names them; `input` is both together."""
        return {
            "input": f"{self.instructions}\n\n{self.material}",
            "instructions": self.instructions,
            "material": self.material,
        }


@dataclass(frozen=True)
class Asked:
    """`parts` in each order in which they are shown; `count` items to say true or false of, and `wrong` ones more of
    which nobody needs to be asked."""

    prompt: str
    orders: tuple[tuple[Part, ...], ...]
    read_reply: replies.Reader
    count: int = 0
    wrong: int = 0
    variables: Mapping[str, str | int] = field(default_factory=dict)

    def said(self, call: int) -> Said:
        parts = self.orders[call % len(self.orders)]
        mark = mark_of(parts)
        told = prompts.instructions(self.prompt, {**self.variables, "count": self.count}, mark=mark)
        return Said(told, laid_out(parts, mark))

    def read(self, text: str) -> Reply:
        """Raises NotAReply."""
        return self.read_reply(text)


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


# What is asked


def texts(answered: Answered) -> list[Part]:
    """The question, and the reference where there is one."""
    parts = [Part("question", as_text(asked_for(answered)))]
    expected = reference(answered.expected) or answered.expected
    return [*parts, Part("reference", as_text(expected))] if expected else parts


def asked_for(answered: Answered) -> Any:
    given = answered.input
    if not isinstance(given, dict):
        return given
    question = given.get("question")
    return question if isinstance(question, str) else {key: given[key] for key in given if key != "contexts"}


def by_rubric(rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None) -> Asked | Value:
    if answered.text is None:
        return 0.0
    parts = [*texts(answered), *passages(answered), Part("answer", cut(answered.said))]
    return scored(rule, prompt, parts, rubric=rule.parameters["rubric"])


def by_relevance(rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None) -> Asked | Value:
    if not asked_for(answered):
        return judged.NO_QUESTION
    if answered.text is None:
        return 0.0
    return scored(rule, prompt, [texts(answered)[0], Part("answer", cut(answered.said))])


def scale(rule: MetricRule) -> tuple[int, int]:
    low, high = rule.parameters.get("scale", judged.DEFAULT_SCALE)
    return low, high


def scored(rule: MetricRule, prompt: str, parts: Sequence[Part], **variables: str) -> Asked:
    low, high = scale(rule)
    return Asked(
        prompt,
        (tuple(parts),),
        lambda text: replies.score(text, low, high),
        variables={"low": low, "high": high, **variables},
    )


def by_pair(rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None) -> Asked | Value:
    """Whoever gave no answer has lost to one who did."""
    if answered.text is None:
        return 0.0
    if rival is None or rival.text is None:
        return 1.0
    shared = texts(answered)
    orders = tuple(
        (*shared, Part("answer 1", cut(first.said)), Part("answer 2", cut(second.said)))
        for first, second in ((answered, rival), (rival, answered))
    )
    return Asked(prompt, orders, replies.choice, variables={"rubric": rule.parameters["rubric"]})


def listed(
    prompt: str, parts: Sequence[Part], items: Sequence[Part], *, count: int | None = None, wrong: int = 0
) -> Asked | Value:
    """One true or false for each of the items, or of `count`; 0 where all are wrong already."""
    if not items:
        return 0.0
    expected = len(items) if count is None else count
    return Asked(
        prompt,
        ((*parts, *items),),
        lambda text: replies.verdicts(text, expected),
        count=expected,
        wrong=wrong,
    )


def numbered(name: str, several: Sequence[str]) -> list[Part]:
    return [Part(f"{name} {place}", cut(text)) for place, text in enumerate(several, start=1)]


def passages(answered: Answered) -> list[Part]:
    return numbered("passage", (answered.contexts or ())[:MOST_PASSAGES])


def by_claims(rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None) -> Asked | Value:
    if not (wanted := claims(answered.expected)):
        return NO_CLAIMS
    if answered.text is None:
        return 0.0
    return listed(prompt, [Part("answer", cut(answered.said))], numbered("claim", wanted))


def by_sentences(rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None) -> Asked | Value:
    if answered.text is None:
        return NO_ANSWER
    if answered.contexts is None:
        return NO_PASSAGES
    if not (sentences := said(answered)):
        return NO_SENTENCE
    return listed(prompt, passages(answered), numbered("sentence", sentences))


def by_passages(rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None) -> Asked | Value:
    if answered.text is None:
        return NO_ANSWER
    if not answered.expected:
        return NO_REFERENCE
    if answered.contexts is None:
        return NO_PASSAGES
    if not answered.contexts:
        return NOTHING_RETRIEVED
    return listed(prompt, texts(answered), passages(answered))


def by_held_claims(
    rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None
) -> Asked | Value:
    if answered.text is None:
        return NO_ANSWER
    if not (wanted := claims(answered.expected)):
        return NO_CLAIMS
    if answered.contexts is None:
        return NO_PASSAGES
    if not answered.contexts:
        return 0.0
    return listed(prompt, passages(answered), numbered("claim", wanted))


def cited(sentence: str, given: Sequence[str]) -> list[str]:
    """The passages that a sentence names by their numbers."""
    places = [int(name) for name in markers(sentence) if name.isdecimal() and len(name) < 6]
    found = [given[place - 1] for place in dict.fromkeys(places) if 1 <= place <= len(given)]
    return found[:MOST_CITED]


def pairs(several: Sequence[tuple[str, Sequence[str]]]) -> list[Part]:
    """Sentences, each followed by what it cites, all marked off."""
    found = []
    for place, (sentence, passages_cited) in enumerate(several, start=1):
        found.append(Part(f"sentence of pair {place}", cut(sentence)))
        found += [Part(f"passage of pair {place}", cut(passage)) for passage in passages_cited]
    return found


def by_citations(rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None) -> Asked | Value:
    if answered.text is None:
        return NO_ANSWER
    if answered.contexts is None:
        return NO_PASSAGES
    given, named = answered.contexts[:MOST_PASSAGES], 0
    right: list[tuple[str, list[str]]] = []
    for sentence in said(answered):
        named += len(set(markers(sentence)))
        right.extend((sentence, [passage]) for passage in cited(sentence, given))
    if not named:
        return NO_CITATIONS
    return listed(prompt, [], pairs(right), count=len(right), wrong=max(named - len(right), 0))


def by_cited_sentences(
    rule: MetricRule, prompt: str, answered: Answered, rival: Answered | None
) -> Asked | Value:
    if answered.text is None:
        return NO_ANSWER
    if answered.contexts is None:
        return NO_PASSAGES
    if not (sentences := said(answered)):
        return NO_SENTENCE
    given = answered.contexts[:MOST_PASSAGES]
    citing = [(sentence, found) for sentence in sentences if (found := cited(sentence, given))]
    return listed(prompt, [], pairs(citing), count=len(citing), wrong=len(sentences) - len(citing))


# What the replies say


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


FORMS: dict[str, Form] = {
    "judge_rubric": Form("rubric", by_rubric, mean_score),
    PAIRWISE: Form("pairwise", by_pair, both_orders),
    "judge_answer_relevance": Form("answer_relevance", by_relevance, mean_score),
    "judge_claim_coverage": Form("claim_coverage", by_claims, mean_share),
    "judge_faithfulness": Form("faithfulness", by_sentences, mean_share),
    "judge_hallucination_rate": Form("faithfulness", by_sentences, by_majority),
    "judge_context_precision": Form("context_precision", by_passages, average_precision),
    "judge_context_recall": Form("context_recall", by_held_claims, mean_share),
    "judge_citation_precision": Form("citation_precision", by_citations, mean_share),
    "judge_citation_recall": Form("citation_recall", by_cited_sentences, mean_share),
}
