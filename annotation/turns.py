"""Pure: conversations as items bring them, a list of turns; and what two of them have in common."""

import json
from typing import Any

from annotation.fields import WrongField, mapping, named, one_of, several, text
from evaltrack.rendering.document import LIMIT

ROLES = ("system", "developer", "user", "assistant", "tool")
TURN_FIELDS = {"role", "content", "tool_calls", "tool_call_id", "name"}
CALL_FIELDS = {"id", "name", "arguments", "result"}
# As OpenAI's interface writes a call.
OPENAI_CALL_FIELDS = {"id", "type", "function"}
MOST_TURNS, MOST_CALLS = 500, 100
LONGEST_NAME = 200


def read_turns(row: dict[str, Any], name: str, *, within: str = "") -> str:
    """The turns in the field `name`, checked, as the JSON text in which they are kept."""
    path = named(within, name)
    elements = several(row, name, within=within, most=MOST_TURNS)
    if not elements:
        raise WrongField(path, "holds no turn")
    for place, turn in elements:
        check_turn(turn, place)
    kept = json.dumps(row[name], ensure_ascii=False)
    if len(kept.encode("utf-8", "surrogatepass")) > LIMIT:
        raise WrongField(path, f"is longer than the {LIMIT // 1000} kB that a screen shows; shorten it")
    return kept


def check_turn(value: Any, within: str) -> None:
    turn = mapping(value, within, TURN_FIELDS, like="role and content")
    role = one_of(turn, "role", ROLES, within=within)
    calls = several(turn, "tool_calls", within=within, most=MOST_CALLS)
    if isinstance(turn.get("content"), list):
        raise WrongField(named(within, "content"), "must be text; pictures and recordings go into media")
    if not (calls and turn.get("content") is None):
        # A tool may have answered nothing, and so may an assistant that calls one.
        text(turn, "content", within=within, may_be_empty=role == "tool" or bool(calls))
    for name in ("tool_call_id", "name"):
        text(turn, name, within=within, longest=LONGEST_NAME, default="")
    for place, call in calls:
        check_call(call, place)


def check_call(value: Any, within: str) -> None:
    is_openai = isinstance(value, dict) and "function" in value
    call = mapping(value, within, OPENAI_CALL_FIELDS if is_openai else CALL_FIELDS, like="name and arguments")
    text(call, "id", within=within, longest=LONGEST_NAME, default="")
    if is_openai:
        within = named(within, "function")
        call = mapping(call["function"], within, {"name", "arguments"}, like="name and arguments")
    text(call, "name", within=within, longest=LONGEST_NAME)


def split(one: str, two: str) -> tuple[str, str, str] | None:
    """What two conversations begin with alike, and how each goes on; None where nothing is alike.

    Each keeps at least its last turn, so that there is something to judge.
    """
    first, second = turns_of(one), turns_of(two)
    most = min(len(first), len(second)) - 1
    alike = 0
    while alike < most and first[alike] == second[alike]:
        alike += 1
    if not alike:
        return None
    shared, *rest = (
        json.dumps(part, ensure_ascii=False) for part in (first[:alike], first[alike:], second[alike:])
    )
    return shared, rest[0], rest[1]


def turns_of(content: str) -> list[Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []
