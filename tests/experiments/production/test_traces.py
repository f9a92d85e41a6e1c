"""Trace files of OpenTelemetry are samples too."""

import datetime as dt
import json

import pytest
from django.core.management import CommandError, call_command

from evaltrack import clock
from experiments.models import ProductionSample


def attribute(key, value):
    kind = {str: "stringValue", int: "intValue", float: "doubleValue", bool: "boolValue"}[type(value)]
    return {"key": key, "value": {kind: str(value) if isinstance(value, int) else value}}


def span(place, *, operation="chat", failed=False, **attributes):
    end = int((clock.now() - dt.timedelta(hours=1)).timestamp() * 1e9)
    said = {"gen_ai.operation.name": operation, "gen_ai.usage.output_tokens": 12, **attributes}
    return {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": f"eee19b7ec3c1b1{place:02}",
        "startTimeUnixNano": str(end - 750_000_000),
        "endTimeUnixNano": str(end),
        "status": {"code": 2} if failed else {},
        "attributes": [attribute(key, value) for key, value in said.items()],
    }


def document(*spans):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]})


def said(text):
    return json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": text}]}])


@pytest.fixture
def read(component, tmp_path, capsys):
    def reading(*documents):
        path = tmp_path / "traces.jsonl"
        path.write_text("\n".join(documents))
        call_command("import_traces", "adder", str(path))
        return capsys.readouterr().out

    return reading


def values(place):
    return ProductionSample.objects.get(key__endswith=f"{place:02}").values


def test_answers_in_spans_are_samples(read):
    right = {"evaltrack.expected": "4"}
    out = read(
        document(
            span(1, **right, **{"gen_ai.output.messages": said("4")}),
            span(2, **right, **{"gen_ai.completion": "5"}),
            span(3, operation="execute_tool"),
        ),
        document(span(4, failed=True, **right), span(5), span(6, **{"evaltrack.metric.exact_match": 1})),
    )
    assert "5 new samples, 0 known" in out
    operational = {"latency_p95": 750.0, "output_tokens": 12.0}
    assert values(1) == {"exact_match": 1.0, **operational}
    assert values(2) == {"exact_match": 0.0, **operational}
    assert values(4) == {"exact_match": 0.0}
    assert values(5) == operational
    assert values(6) == {"exact_match": 1.0, **operational}


def test_a_file_read_twice_counts_once(read):
    once = document(span(1), span(2))
    read(once)
    assert "0 new samples, 2 known" in read(once)


@pytest.mark.parametrize(
    "broken", ["{", "[]", '{"resourceSpans": [{"scopeSpans": 7}]}', document({"attributes": []}) + "}"]
)
def test_a_broken_file_is_refused_and_located(read, broken):
    with pytest.raises(CommandError, match="Line 2"):
        read(document(span(1)), broken)
    assert not ProductionSample.objects.exists()


def test_an_unknown_component_or_file_is_said(component):
    with pytest.raises(CommandError, match="no component"):
        call_command("import_traces", "charm", "x")
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_traces", "adder", "x")
