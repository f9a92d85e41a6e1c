"""Pure: what differs between the ways in which people are asked. One module for each."""

from annotation.protocols.pairwise import Pairwise
from annotation.protocols.ranking import Ranking
from annotation.protocols.rating import Rating
from annotation.protocols.rules import Rules
from annotation.protocols.spans import Spans

_ALL = {rules.name: rules for rules in (Pairwise(), Rating(), Ranking(), Spans())}

__all__ = ["Rules", "rules_of"]


def rules_of(protocol: str) -> Rules:
    return _ALL[protocol]
