"""Pure: what each form asks about an answer; or the value, where nobody needs to be asked.

The claims, sentences, passages and citations that are asked about are those of the lexical metrics, found by our own
code: a judge that found them itself would count others each time, and an answer could talk it into finding more.
"""

from collections.abc import Sequence
from typing import Any

from experiments.judging import replies
from experiments.judging.asked import Asked
from experiments.judging.material import Part, as_text, cut
from experiments.metrics import judged
from experiments.metrics.base import NO_ANSWER, NO_REFERENCE, Answered, Value
from experiments.metrics.citations import MOST_CITED, NO_CITATIONS
from experiments.metrics.rag import NO_CLAIMS, NOTHING_RETRIEVED
from experiments.metrics.support import MOST_PASSAGES, NO_PASSAGES, NO_SENTENCE, claims, said
from experiments.metrics.text import markers, reference
from experiments.suite import MetricRule


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
