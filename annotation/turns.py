"""Pure: conversations as items bring them, a list of turns; and what two of them have in common."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from evaltrack.fields import WrongField, mapping, named, one_of, several, text
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
    kept = json.dumps(plain(row[name]), ensure_ascii=False)
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


def plain(turns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Checked turns in one form, with their calls numbered: form and ids are each vendor's own, and would tell."""
    numbers: dict[str, str] = {}
    return [
        {name: turn[name] for name in ("role", "name", "content") if turn.get(name) is not None}
        | (
            {"tool_calls": [plain_call(call, numbers) for call in calls]}
            if (calls := turn.get("tool_calls"))
            else {}
        )
        | numbered(turn, "tool_call_id", numbers)
        for turn in turns
    ]


def plain_call(call: Mapping[str, Any], numbers: dict[str, str]) -> dict[str, Any]:
    named = call.get("function", call)
    rest = {name: named[name] for name in ("arguments", "result") if name in named}
    return {**numbered(call, "id", numbers), "name": named["name"], **rest}


def numbered(row: Mapping[str, Any], name: str, numbers: dict[str, str]) -> dict[str, str]:
    """The id in the field `name` by its number, in the order in which ids come."""
    given = row.get(name)
    if not isinstance(given, str) or not given:
        return {}
    return {name: numbers.setdefault(given, f"call-{len(numbers) + 1}")}


def without_ids(content: str) -> str:
    """A conversation that came as a text: its messages alone, with calls numbered. What is none stays as it is."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return content
    turns = value.get("messages") if isinstance(value, dict) else value
    if not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return content
    numbers: dict[str, str] = {}
    told = [
        {name: inner for name, inner in turn.items() if name not in ("id", "tool_call_id")}
        | ({"tool_calls": [anonymous(call, numbers) for call in calls]} if (calls := calls_of(turn)) else {})
        | numbered(turn, "tool_call_id", numbers)
        for turn in turns
    ]
    try:
        return json.dumps(told, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return content  # numbers that JSON cannot have


def calls_of(turn: Mapping[str, Any]) -> list[Any]:
    calls = turn.get("tool_calls")
    return calls if isinstance(calls, list) else []


def anonymous(call: Any, numbers: dict[str, str]) -> Any:
    if not isinstance(call, dict):
        return call
    return {name: inner for name, inner in call.items() if name != "id"} | numbered(call, "id", numbers)


def split(conversations: Sequence[str]) -> tuple[str, list[str]]:
    """What several conversations begin with alike, "" where nothing is, and how each goes on.

    Each keeps at least its last turn, so that there is something to judge.
    """
    told = [turns_of(conversation) for conversation in conversations]
    most = min(map(len, told)) - 1 if len(told) > 1 else 0
    alike = 0
    while alike < most and all(turns[alike] == told[0][alike] for turns in told):
        alike += 1
    if not alike:
        return "", list(conversations)
    shared, *rest = (
        json.dumps(part, ensure_ascii=False) for part in (told[0][:alike], *(turns[alike:] for turns in told))
    )
    return shared, rest


def turns_of(content: str) -> list[Any]:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return []
    return value if isinstance(value, list) else []
