"""Pure: whether an answer states the facts that its reference lists."""

from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Answered, Direction, Kind, Metric, Parameter, Value
from experiments.metrics.text import contains

NO_FACTS = Undefined("the reference lists no facts as lists of spellings")
ABSTENTION = {
    "abstention": Parameter(
        "a text", "what an answer says where there is none to give", lambda value: isinstance(value, str)
    )
}


def share_of_facts(answered: Answered) -> Value:
    """The share of the reference's facts that the answer states, each in one of its accepted spellings.

    `expected.facts` lists the facts, each a list of spellings. An empty list marks a question that cannot be
    answered from the sources: then saying so counts 1, and any answer 0.
    """
    if "facts" not in answered.memo:
        answered.memo["facts"] = stated_share(answered)
    return answered.memo["facts"]


def stated_share(answered: Answered) -> Value:
    facts = answered.expected.get("facts") if isinstance(answered.expected, dict) else None
    if not is_list_of_spellings(facts):
        return NO_FACTS
    if not facts:
        return float(abstains(answered))
    stated = sum(any(contains(answered.said, spelling) for spelling in fact) for fact in facts)
    return stated / len(facts)


def is_list_of_spellings(facts: Any) -> bool:
    """Whether `facts` is a list of lists of text: `["30 days"]` would be read letter by letter."""
    return isinstance(facts, list) and all(
        isinstance(fact, list) and all(isinstance(spelling, str) for spelling in fact) for fact in facts
    )


def facts_stated(answered: Answered) -> Value:
    """1 where the answer states every fact of the reference, or abstains where there is none."""
    share = share_of_facts(answered)
    return share if isinstance(share, Undefined) else float(share == 1)


def abstains(answered: Answered) -> bool:
    """Whether the answer holds the abstention phrase, a parameter of the metric."""
    phrase = answered.parameters.get("abstention", "could not find")
    return contains(answered.said, phrase)


METRICS = [
    Metric(
        "accuracy",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers that state every required fact, or abstain where no answer exists.",
        facts_stated,
        missing=0.0,
        undefined=NO_FACTS.reason,
        takes=ABSTENTION,
    ),
    Metric(
        "factuality",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Mean share of the reference's facts that an answer states; where there is none, 1 for saying so.",
        share_of_facts,
        missing=0.0,
        undefined=NO_FACTS.reason,
        takes=ABSTENTION,
    ),
]
