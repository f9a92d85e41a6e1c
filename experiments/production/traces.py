"""Pure: samples from an OTLP/JSON trace file, by the conventions of OpenTelemetry for generative AI."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from typing import Any

from evaltrack.errors import Invalid

OPERATIONS = {"chat", "text_completion", "generate_content", "invoke_agent"}
FAILED = {2, "STATUS_CODE_ERROR"}
METRIC = "evaltrack.metric."
EXPECTED = "evaltrack.expected"


def samples(lines: Iterable[bytes]) -> Iterator[bytes]:
    """A sample line for each span of a model's answer; a line holds one trace document.

    What was said is read where it was recorded (`gen_ai.output.messages`, or the older `gen_ai.completion`);
    `evaltrack.metric.<name>` and `evaltrack.expected` may be set on the span by whoever scores it.
    """
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        try:
            document = json.loads(raw)
            for span in spans(document):
                if (row := sample(span)) is not None:
                    yield json.dumps(row).encode() + b"\n"
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            raise Invalid("bad_trace", f"Line {number} is no OTLP/JSON trace: {error!r}.") from None


def spans(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in document.get("resourceSpans", []):
        for scope in resource.get("scopeSpans", []):
            yield from scope.get("spans", [])


def sample(span: dict[str, Any]) -> dict[str, Any] | None:
    """None for a span that is no answer of a model."""
    said = {each["key"]: plain(each["value"]) for each in span.get("attributes", [])}
    if said.get("gen_ai.operation.name") not in OPERATIONS:
        return None
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    row: dict[str, Any] = {
        "id": f"{span['traceId']}:{span['spanId']}",
        "sampled_at": dt.datetime.fromtimestamp(end / 1e9, dt.UTC).isoformat(),
        "latency_ms": max(0, round((end - start) / 1e6)),
        "metrics": {key.removeprefix(METRIC): value for key, value in said.items() if key.startswith(METRIC)},
    }
    for ours, theirs in (
        ("input_tokens", "gen_ai.usage.input_tokens"),
        ("output_tokens", "gen_ai.usage.output_tokens"),
        ("expected", EXPECTED),
    ):
        if theirs in said:
            row[ours] = said[theirs]
    for ours, names in (
        ("input", ("gen_ai.input.messages", "gen_ai.prompt")),
        ("output", ("gen_ai.output.messages", "gen_ai.completion")),
    ):
        if (name := next((name for name in names if name in said), None)) is not None:
            row[ours] = words(said[name])
    if span.get("status", {}).get("code") in FAILED:
        row["output"] = None
    return row


def plain(value: dict[str, Any]) -> Any:
    """An attribute's value without its wrapper."""
    if "intValue" in value:
        return int(value["intValue"])
    if "arrayValue" in value:
        return [plain(each) for each in value["arrayValue"].get("values", [])]
    if "kvlistValue" in value:
        return {each["key"]: plain(each["value"]) for each in value["kvlistValue"].get("values", [])}
    return next((value[name] for name in ("stringValue", "doubleValue", "boolValue") if name in value), None)


def words(said: Any) -> str:
    """The text of messages: as they are, or as JSON in a string."""
    if isinstance(said, str) and said.lstrip().startswith("["):
        try:
            said = json.loads(said)
        except ValueError:
            return said
    if not isinstance(said, list):
        return str(said)
    parts = [part for message in said for part in message.get("parts", [])]
    return "\n".join(str(part["content"]) for part in parts if part.get("type") == "text")
