"""A conversation, as OpenAI's interface writes it: a list of messages, or an object with `messages`."""

from collections import Counter
from typing import Any

from evaltrack.rendering import highlighting, markdown, tree
from evaltrack.rendering.draft import MOST_PARTS, Draft
from evaltrack.rendering.hidden import escaped, shown

ROLES = {"system", "developer", "user", "assistant", "tool", "function"}


def drawn(content: str, draft: Draft) -> str | None:
    """A list of messages; other fields than role, name, content, refusal and tool calls are not drawn."""
    messages = _messages(content)
    if messages is None:
        return None
    results = _results(messages)
    drawn_elsewhere = {id(message) for message in results.values()}
    items = "".join(
        _message(each, results, draft)
        for each in messages
        if id(each) not in drawn_elsewhere and draft.takes_part()
    )
    more = draft.parts - MOST_PARTS
    said = f"Only the first {MOST_PARTS:,} messages, parts and calls are shown; {more:,} more are not."
    note = f'<p class="prose-note">{said}</p>' if more > 0 else ""
    return f'<ol class="chat">{items}</ol>{note}'


def _messages(content: str) -> list[dict[str, Any]] | None:
    try:
        value = tree.parsed(content)
    except ValueError:
        return None
    if isinstance(value, tree.Pairs):
        value = dict(value).get("messages")
    if not isinstance(value, list) or isinstance(value, tree.Pairs) or not value:
        return None
    if not all(isinstance(each, tree.Pairs) for each in value):
        return None
    messages = [dict(each) for each in value]
    return messages if all(tree.is_text(each.get("role")) for each in messages) else None


def _results(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """By the id of a call, the message with its result: where one call and one later message have that id.

    What is not as clear stays a message of its own, so that nothing is drawn twice or lost.
    """
    called: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    found = {}
    for message in messages:
        identifier = message.get("tool_call_id")
        if message["role"] == "tool" and tree.is_text(identifier):
            answered[identifier] += 1
            if called[identifier]:
                found[identifier] = message
        calls = message.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            if isinstance(call, tree.Pairs) and tree.is_text(identifier := dict(call).get("id")):
                called[identifier] += 1
    return {each: message for each, message in found.items() if called[each] == answered[each] == 1}


def _message(message: dict[str, Any], results: dict[str, dict[str, Any]], draft: Draft) -> str:
    role = message["role"]
    body = _content(message.get("content"), role, draft) + _content(message.get("refusal"), role, draft)
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        body += _call(call, results, draft) if draft.takes_part() else ""
    if message.get("function_call") is not None:
        body += _call(tree.Pairs([("function", message["function_call"])]), results, draft)
    label = escaped(role[:40]) if role in ROLES else f"role “{escaped(role[:40])}”"
    name = message.get("name")
    about = f" · {escaped(name[:200])}" if tree.is_text(name) and name else ""
    return f'<li class="chat-message"><p class="chat-role">{label}{about}</p>{body}</li>'


def _content(content: Any, role: str, draft: Draft) -> str:
    if content is None:
        return ""
    if tree.is_text(content):
        return (
            _result(content, draft) if role in {"tool", "function"} else markdown.drawn(shown(content), draft)
        )
    if isinstance(content, list) and not isinstance(content, tree.Pairs):
        return "".join(_part(each, role, draft) for each in content if draft.takes_part())
    return tree.markup(content)


def _part(part: Any, role: str, draft: Draft) -> str:
    """A part of a content: its text, or what kind of thing is not shown."""
    if tree.is_text(part):
        return _content(part, role, draft)
    if not isinstance(part, tree.Pairs):
        return tree.markup(part)
    fields = dict(part)
    for text in (fields.get("text"), fields.get("refusal")):
        if tree.is_text(text):
            return _content(text, role, draft)
    kind = fields.get("type")
    return f'<p class="prose-image">[{escaped(kind[:40]) if tree.is_text(kind) else "part"}: not loaded]</p>'


def _result(content: str, draft: Draft) -> str:
    """What a tool gave back, in a message of its own: JSON as a tree that is folded away, else as markdown."""
    value = _list_or_object(content)
    if value is None:
        return markdown.drawn(shown(content), draft)
    return f'<details class="chat-call"><summary>Result</summary>{tree.markup(value)}</details>'


def _list_or_object(content: str) -> Any:
    try:
        value = tree.parsed(content)
    except ValueError:
        return None
    return value if isinstance(value, list) else None


def _call(call: Any, results: dict[str, dict[str, Any]], draft: Draft) -> str:
    """A card: which tool, with what, and what it gave back."""
    fields = dict(call) if isinstance(call, tree.Pairs) else {}
    function = fields.get("function")
    named = dict(function) if isinstance(function, tree.Pairs) else fields
    name = named.get("name")
    title = escaped(name) if tree.is_text(name) else "without a name"
    identifier = fields.get("id")
    answer = results.get(identifier) if tree.is_text(identifier) else None
    result = ""
    if answer is not None or "result" in fields:
        value = fields["result"] if answer is None else answer.get("content")
        result = f'<p class="chat-part">Result</p>{_value(value, draft)}'
    return (
        f'<details class="chat-call"><summary>Calls <code>{title}</code></summary>'
        f'<p class="chat-part">Arguments</p>{_arguments(named.get("arguments"), draft)}{result}</details>'
    )


def _value(value: Any, draft: Draft) -> str:
    """What is text may be JSON in text, or words."""
    if not tree.is_text(value):
        return tree.markup(value)
    parsed = _list_or_object(value)
    return markdown.drawn(shown(value), draft) if parsed is None else tree.markup(parsed)


def _arguments(arguments: Any, draft: Draft) -> str:
    if not tree.is_text(arguments):
        return tree.markup(arguments)
    try:
        return tree.markup(tree.parsed(arguments))
    except ValueError:
        return highlighting.block(shown(arguments), "", draft)
