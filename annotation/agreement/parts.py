"""What people said to each criterion, and of the items of each stratum: the same figures as of the whole."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Protocol

from annotation.agreement.compared import Compared, Statistic
from annotation.agreement.preferences import WHEN_CLOSED
from annotation.agreement.tally import MOST_STRATA
from annotation.agreement.votes import Vote
from evaltrack.errors import Invalid
from evaltrack.stats.pairwise import PairwiseKappa


class Part(Protocol):
    """As much of `pairs.Findings` as is told of a part."""

    @property
    def inter(self) -> Compared: ...
    @property
    def cohen(self) -> PairwiseKappa: ...
    @property
    def net_preference(self) -> Statistic: ...
    @property
    def counts(self) -> dict[str, int]: ...
    def preferences(self) -> dict[str, Any]: ...
    @property
    def is_final(self) -> bool: ...
    @property
    def n_judgments(self) -> int: ...
    @property
    def n_items(self) -> int: ...


def rows(
    criteria: Iterable[tuple[str, Part]], strata: Iterable[tuple[str, Part]], only: Collection[str] = ()
) -> list[dict[str, Any]]:
    """One for each part, with every coefficient or those of these names; which way people lean is told at the end."""
    return [
        {
            "kind": kind,
            "name": name,
            "agreement": coefficients(part, only),
            "net_preference": (part.net_preference if part.is_final else WHEN_CLOSED).as_json(),
            "counts": part.counts if part.is_final else None,
            "n_judgments": part.n_judgments,
            "n_items": part.n_items,
        }
        for kind, parts in (("criterion", criteria), ("stratum", strata))
        for name, part in parts
    ]


def coefficients(part: Part, only: Collection[str]) -> dict[str, Any]:
    return part.inter.as_json(lambda: part.cohen.kappa, only)


def preferences(
    criteria: Iterable[tuple[str, Part]], strata: Iterable[tuple[str, Part]]
) -> dict[str, dict[str, Any]]:
    """How strong each system is in each part, by kind and name."""
    return {
        "criterion": {name: part.preferences() for name, part in criteria},
        "stratum": {name: part.preferences() for name, part in strata},
    }


def answering(votes: Sequence[Vote], criterion: str) -> list[Vote]:
    """What was answered to a criterion, as if nothing else had been asked."""
    return [vote._replace(said=vote.answers[criterion]) for vote in votes if criterion in vote.answers]


def by_stratum(votes: Iterable[Vote]) -> dict[str, list[Vote]] | None:
    """What was said of the items of each stratum that has a name; None where they are too many to tell apart."""
    named: dict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        if vote.stratum:
            named[vote.stratum].append(vote)
    return None if len(named) > MOST_STRATA else named


def narrowed(
    votes: Sequence[Vote], *, criteria: Collection[str], criterion: str, stratum: str
) -> Sequence[Vote]:
    """The votes of a part; "" stands for the main question, and for all strata."""
    if criterion:
        if criterion not in criteria:
            sentence = (
                f"is one of: {', '.join(criteria)}" if criteria else "is to be left out: there are none"
            )
            raise Invalid("unknown_criterion", f"criterion {sentence}.", {"criterion": [sentence]})
        votes = answering(votes, criterion)
    if stratum:
        votes = [vote for vote in votes if vote.stratum == stratum]
        if not votes:
            sentence = "is that of no item that was judged"
            raise Invalid("unknown_stratum", f"stratum {sentence}.", {"stratum": [sentence]})
    return votes
