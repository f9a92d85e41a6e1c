"""Whether what people say rests on one of them: the outcome with each evaluator left out in turn."""

from collections import Counter
from dataclasses import replace

from annotation.agreement.pairs import Findings
from experiments import gates
from experiments.suite import HumanRule

# Each is a computation of its own, and among so many nobody weighs much.
MOST_EVALUATORS = 50
MOST_VOTES = 20_000


def without_each(found: Findings, rule: HumanRule) -> dict[str, int] | None:
    """How often people's part of the verdict came out as what; None of fewer than three, or of very many."""
    raters = sorted({vote.rater for vote in found.votes})
    if not 3 <= len(raters) <= MOST_EVALUATORS or len(found.votes) > MOST_VOTES:
        return None
    outcomes: Counter[str] = Counter()
    for rater in raters:
        rest = replace(found, votes=[vote for vote in found.votes if vote.rater != rater])
        people = gates.People(rest.net_preference, rest.coefficient(rule.coefficient))
        outcomes[gates.human_outcome(people, rule)[0]] += 1
    return dict(sorted(outcomes.items()))
