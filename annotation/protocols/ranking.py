"""Pure: several responses in an order, ties allowed."""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from annotation.answers import Answer, Said
from annotation.blinding.sides import ordinal_at, place_of
from annotation.protocols.rules import Rules, whole_number, wrong
from annotation.rubrics import Details


class Ranking(Rules):
    name = "ranking"
    headline = "ranking"
    fewest = 2
    most = 9  # each has a digit on the keyboard
    # Of three responses, two that follow each other the other way round; of nine, a quarter of all pairs.
    least_alike = 0.75
    default_rubric = {
        "name": "helpfulness-ranking",
        "question": "Which responses would serve the person who asked best?",
        "guidance": (
            "Read the request, then every response. Put the response that is right and answers what was asked "
            "first. A right answer that admits a limit beats a confident wrong one. Length is no merit by itself. "
            "Responses that serve equally well share a rank."
        ),
    }

    def said(self, answer: Answer, *, details: Details, places: str, text: Callable[[], str]) -> Said:
        groups = answer.ranking
        if not isinstance(groups, list) or not all(isinstance(group, list) and group for group in groups):
            raise wrong("ranking", "is a list of groups of places, best first, as [[2], [1, 3]]")
        named = [place for group in groups for place in group]
        if len(named) > len(places):
            raise wrong("ranking", f"names {len(named)} places; there are {len(places)} responses")
        for place in named:
            if not whole_number(place) or not 1 <= place <= len(places):
                raise wrong("ranking", f"names places by whole numbers from 1 to {len(places)}")
        if repeated := sorted({place for place in named if named.count(place) > 1}):
            raise wrong("ranking", f"names place {repeated[0]} twice")
        if missing := sorted(set(range(1, len(places) + 1)) - set(named)):
            raise wrong("ranking", f"is missing place {missing[0]}; every response has a rank")
        return Said(ranking=[sorted(ordinal_at(place, places) for place in group) for group in groups])

    def shown(self, judgment: Any) -> dict[str, Any]:
        places = judgment.places
        return {"ranking": [sorted(place_of(each, places) for each in group) for group in judgment.ranking]}

    def in_words(self, judgment: Any) -> str:
        groups = self.shown(judgment)["ranking"]
        return "Ranked " + ", ".join(" = ".join(map(str, group)) for group in groups)

    def alike(self, one: Any, other: Any, details: Details) -> float:
        """Over pairs of responses: 1 in the same order, 0 in reverse, and half where only one of the two has a tie:
        1 less Kendall's distance with ties, normed (Fagin et al. 2006, K with p = 1/2)."""
        ranks = [rank_of(each.ranking) for each in (one, other)]
        pairs = list(combinations(sorted(ranks[0]), 2))
        apart = sum(abs(order(ranks[0], *pair) - order(ranks[1], *pair)) / 2 for pair in pairs)
        return 1 - apart / len(pairs)

    def proved(self, judgment: Any) -> dict[str, Any]:
        return {"ranking": judgment.ranking, "places": judgment.places}


def rank_of(ranking: Sequence[Sequence[int]]) -> dict[int, int]:
    return {each: rank for rank, group in enumerate(ranking) for each in group}


def order(ranks: dict[int, int], one: int, other: int) -> int:
    """-1 where the first is better, 1 where the second is, 0 where they tie."""
    return (ranks[one] > ranks[other]) - (ranks[one] < ranks[other])
