"""Pure: answers sampled in production, as they come in NDJSON, a line each."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.fields import WrongField, mapping, named, one_of, text, whole
from evaltrack.ndjson import holds_nul
from evaltrack.stats.estimate import Undefined
from experiments.metrics import REGISTRY, operational
from experiments.metrics.base import Answered, Kind, Value
from experiments.suite import MetricRule

FIELDS = {
    "id", "sampled_at", "input", "output", "expected",
    "latency_ms", "input_tokens", "output_tokens", "metrics", "arm", "unit", "before",
}  # fmt: skip
# Without its text nobody knows whether there was an answer, which is all that an error rate asks.
READ_NO_TEXT = {metric.name for metric in operational.METRICS if metric.missing is None}
ARMS = ("control", "treatment")
NOT_RECORDED = Undefined("the text of the answer was not recorded")
LONGEST_ID = 80
LARGEST_COUNT = 10**9


@dataclass(frozen=True)
class Sample:
    """One answer. `given` are values that the sender computed.

    `text` is None where the system gave no answer; `recorded` says whether the text was kept at all.
    """

    key: str
    sampled_at: dt.datetime
    text: str | None
    input: Any = None
    expected: Any = None
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    given: Mapping[str, float] = field(default_factory=dict)
    recorded: bool = True
    # Of a live test: which version answered, whom, and what was known of them before.
    arm: str = ""
    unit: str = ""
    before: float | None = None

    @property
    def body(self) -> dict[str, Any]:
        return {"input": self.input, "output": self.text, "expected": self.expected}


def sample_of(row: dict[str, Any], scored: Set[str]) -> Sample:
    """The sample of a line; `scored` are the metrics of the gate policy, the only ones that may be given."""
    mapping(row, "", FIELDS)
    if holds_nul(row):
        raise WrongField("", "holds a NUL character; remove it")
    if row.get("output") is not None:
        text(row, "output", may_be_empty=True)
    key = text(row, "id", longest=LONGEST_ID, default="")
    return Sample(
        # Without an id the content names the sample, so that a batch sent twice counts once.
        key=key or "x" + sha256_hex(canonical_json(row))[:40],
        sampled_at=moment(row, "sampled_at"),
        text=row.get("output"),
        recorded="output" in row,
        input=row.get("input"),
        expected=row.get("expected"),
        latency_ms=whole(row, "latency_ms", most=LARGEST_COUNT),
        input_tokens=whole(row, "input_tokens", most=LARGEST_COUNT),
        output_tokens=whole(row, "output_tokens", most=LARGEST_COUNT),
        given=given_metrics(row, scored),
        **of_live_test(row),
    )


def of_live_test(row: dict[str, Any]) -> dict[str, Any]:
    if "arm" not in row:
        if stray := next((name for name in ("unit", "before") if name in row), None):
            raise WrongField(stray, "stands without arm; both belong to a live test")
        return {}
    before = row.get("before")
    if before is not None and not is_real(before):
        raise WrongField("before", "must be a number")
    return {
        "arm": one_of(row, "arm", ARMS),
        "unit": text(row, "unit", longest=LONGEST_ID),
        "before": None if before is None else float(before),
    }


def is_real(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and abs(value) <= 1e12


def moment(row: dict[str, Any], name: str) -> dt.datetime:
    value = text(row, name)
    try:
        found = dt.datetime.fromisoformat(value)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise WrongField(name, "must be a time with its zone, like 2026-03-01T09:30:00Z")
    return found.astimezone(dt.UTC)


def given_metrics(row: dict[str, Any], scored: Set[str]) -> dict[str, float]:
    given = row.get("metrics", {})
    if not isinstance(given, dict):
        raise WrongField("metrics", 'must be an object like {"accuracy": 1}')
    found = {}
    for name, value in given.items():
        path = named("metrics", name)
        if name not in scored:
            raise WrongField(path, f"is no metric of the gate policy, which has {', '.join(sorted(scored))}")
        if not is_real(value):
            raise WrongField(path, "must be a number")
        if not REGISTRY[name].adds_up:
            raise WrongField(path, "is known of many answers together, not of one")
        if REGISTRY[name].kind == Kind.BINARY and value not in (0, 1):
            raise WrongField(path, "is 0 or 1 for one answer")
        if REGISTRY[name].quantile is not None and value < 0:
            raise WrongField(path, "must not be negative")
        found[name] = float(value)
    return found


def values_of(sample: Sample, rules: Iterable[MetricRule]) -> dict[str, float]:
    """What each metric of the suite says: as it was given, else as computed, where it is defined.

    A metric that needs a reference is undefined without `expected`, and one that reads the text without a text. What
    is known of many answers together, such as a figure of labels, is not watched.
    """
    found = {}
    for rule in rules:
        if not REGISTRY[rule.metric].adds_up:
            continue
        value: Value | None = sample.given.get(rule.metric)
        if value is None:
            value = computed(sample, rule)
        if not isinstance(value, Undefined):
            found[rule.metric] = value
    return found


def computed(sample: Sample, rule: MetricRule) -> Value:
    if not sample.recorded and rule.metric not in READ_NO_TEXT:
        return NOT_RECORDED
    return REGISTRY[rule.metric].of(
        Answered(
            input=sample.input,
            expected=sample.expected,
            text=sample.text if sample.recorded else "",
            latency_ms=sample.latency_ms,
            input_tokens=sample.input_tokens,
            output_tokens=sample.output_tokens,
            parameters=rule.parameters,
        )
    )
