"""Every kind of message is documented, and let out to channels only where leads and owners are told."""

import ast
import re

from evaltrack.notifications.topics import SEEN_WITH, Topic
from tests.architecture.sources import ROOT

TABLE = re.compile(r"^\| (`[^|]+) \| (\w+) \| ([^|]+) \|$", re.MULTILINE)
# Not told of anything: somebody tries a channel out.
UNTOLD = {"channel-tried"}


def written() -> dict[str, str]:
    """Kind → topic, as the modules of wording say it."""
    found = {}
    for path in sorted(ROOT.glob("*/**/messages.py")):
        if ".venv" in path.parts or "tests" in path.parts:
            continue
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Message":
                given = {each.arg: each.value for each in call.keywords}
                kind = given["key"].values[0].value.partition(":")[0]
                topic = given.get("topic")
                found[kind] = topic.attr.lower() if topic else "none"
                assert "why" in given or kind in UNTOLD, f"{kind} does not say why one is told"
    return found


def documented() -> dict[str, tuple[str, str]]:
    text = (ROOT / "docs" / "reference" / "notifications.md").read_text()
    return {
        kind: (topic, to)
        for kinds, topic, to in TABLE.findall(text)
        for kind in re.findall(r"`([a-z-]+)`", kinds)
    }


def test_every_kind_is_documented_with_its_topic():
    told = {kind: topic for kind, (topic, _) in documented().items()}
    assert written() == told | dict.fromkeys(UNTOLD, "none")
    assert len(told) > 15


def test_what_evaluators_are_told_has_no_topic():
    for kind, (topic, to) in documented().items():
        if "judge" in to or "evaluator" in to:
            assert topic == "none", kind


def test_every_topic_has_messages_and_a_permission():
    assert {topic for topic, _ in documented().values()} - {"none"} == set(Topic.values)
    assert set(SEEN_WITH) == set(Topic)
