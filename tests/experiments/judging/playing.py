"""The test's endpoint playing a target and a judge at once."""

import json
import re
from collections.abc import Callable

from tests.endpoint import Behaviour, Call, Reply, adds, says

BLOCK = re.compile(r"<<<(?!end of )([^>]+?) ([0-9a-f]{24})>>>\n(.*?)\n<<<end of \1 \2>>>", re.DOTALL)


def material(call: Call) -> dict[str, str]:
    """What stands between the marks, by name."""
    return {name: text for name, _, text in BLOCK.findall(call.question)}


def replies(**fields: object) -> Reply:
    return says(json.dumps({"reason": "as it seems to me", **fields}))


def with_judge(judge: Callable[[Call], Reply], target: Behaviour = adds) -> Behaviour:
    return lambda call: judge(call) if call.model == "judge-1" else target(call)


def right(call: Call, name: str = "answer") -> bool:
    given = material(call)
    return given[name] == given["reference"]


def scores(call: Call) -> Reply:
    """5 for a right answer, else 1."""
    return replies(score=5 if right(call) else 1)


def prefers_right(call: Call) -> Reply:
    first, second = right(call, "answer 1"), right(call, "answer 2")
    return replies(verdict="tie" if first == second else "1" if first else "2")
