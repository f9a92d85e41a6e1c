"""Pure: a gate policy's body: which metrics decide, with which margins, and when people must judge."""

import re
from dataclasses import asdict, dataclass, field
from typing import Any

from evaltrack.errors import Invalid
from experiments.metrics import REGISTRY

ROLES = ("gating", "guardrail", "secondary")
DESIGNS = ("paired", "independent")
COEFFICIENTS = ("preference_kappa", "cohen_kappa", "krippendorff_alpha")
# What may ask for people.
OCCASIONS = ("high_risk", "major_version")
MOST_METRICS = 30


@dataclass(frozen=True)
class MetricRule:
    """One metric of a suite. `margin`: the loss, in the metric's own unit, that is still tolerated."""

    metric: str
    role: str = "gating"
    margin: float = 0.0
    reason: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class HumanRule:
    """When people must judge, how many, and what stands in for them when they are late.

    `margin`: the net preference against the candidate, from 0 to 1, that is still tolerated. `floor`: what the
    lower limit of `coefficient` must reach for the judgments to be used for a PASS.
    """

    required: tuple[str, ...] = OCCASIONS
    items: int = 20
    overlap: int = 2
    margin: float = 0.2
    coefficient: str = "preference_kappa"
    floor: float = 0.4
    proxy: str = ""


@dataclass(frozen=True)
class Suite:
    metrics: tuple[MetricRule, ...]
    design: str = "paired"
    max_error_share: float = 0.05
    human: HumanRule | None = None

    def as_json(self) -> dict[str, Any]:
        body = asdict(self)
        body["metrics"] = [asdict(rule) for rule in self.metrics]
        if self.human:
            body["human"]["required"] = list(self.human.required)
        return body


def needs_people(suite: Suite, *, risk: str, candidate: str, baseline: str) -> bool:
    """Whether the policy asks people to judge this change."""
    if suite.human is None:
        return False
    by_risk = "high_risk" in suite.human.required and risk == "high"
    by_version = "major_version" in suite.human.required and major(candidate) != major(baseline)
    return by_risk or by_version


def major(version: str) -> str:
    found = re.match(r"v?(\d+)\.", version)
    return found[1] if found else version


def parse(body: Any) -> Suite:
    """The suite that `body` describes; Invalid with one sentence per bad field."""
    problems: dict[str, list[str]] = {}

    def wrong(name: str, sentence: str) -> None:
        problems.setdefault(name, []).append(sentence)

    def number(source: dict, name: str, default: float, low: float, high: float, path: str) -> float:
        value = source.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            wrong(path, f"must be a number from {low:g} to {high:g}")
            return default
        return value

    if not isinstance(body, dict) or not isinstance(body.get("metrics"), list) or not body["metrics"]:
        raise Invalid(
            "bad_suite",
            'suite needs "metrics", a list such as [{"metric": "accuracy", "role": "gating", "margin": 0.02}]',
            {"suite.metrics": ["is missing"]},
        )
    for name in sorted(set(body) - {"metrics", "design", "max_error_share", "human"}):
        wrong(f"suite.{name}", "is unknown")
    rules: list[MetricRule] = []
    if len(body["metrics"]) > MOST_METRICS:
        wrong("suite.metrics", f"are more than {MOST_METRICS}")
    for place, rule in enumerate(body["metrics"][:MOST_METRICS]):
        path = f"suite.metrics.{place}"
        if not isinstance(rule, dict) or str(rule.get("metric")) not in REGISTRY:
            wrong(f"{path}.metric", f"is unknown; known are {', '.join(sorted(REGISTRY))}")
            continue
        for name in sorted(set(rule) - set(MetricRule.__dataclass_fields__)):
            wrong(f"{path}.{name}", "is unknown")
        if rule.get("role", "gating") not in ROLES:
            wrong(f"{path}.role", f"must be one of {', '.join(ROLES)}")
        if rule["metric"] in {earlier.metric for earlier in rules}:
            wrong(f"{path}.metric", "stands twice")
        parameters = rule.get("parameters", {})
        if not isinstance(parameters, dict):
            wrong(f"{path}.parameters", "must be an object")
            parameters = {}
        for name in ("pattern", "strip"):
            if name in parameters and not compiles(parameters[name]):
                wrong(f"{path}.parameters.{name}", "is no regular expression")
        if not isinstance(parameters.get("abstention", ""), str):
            wrong(f"{path}.parameters.abstention", "must be text")
        margin = number(rule, "margin", 0.0, 0, 1e9, f"{path}.margin")
        rules.append(
            MetricRule(
                rule["metric"], rule.get("role", "gating"), margin, str(rule.get("reason", "")), parameters
            )
        )
    if rules and not any(rule.role == "gating" for rule in rules):
        wrong("suite.metrics", "need at least one with the role gating")
    if body.get("design", "paired") not in DESIGNS:
        wrong("suite.design", f"must be one of {', '.join(DESIGNS)}")
    max_error_share = number(body, "max_error_share", 0.05, 0, 1, "suite.max_error_share")
    human = body.get("human")
    human_rule = None
    if isinstance(human, dict):
        for name in sorted(set(human) - set(HumanRule.__dataclass_fields__)):
            wrong(f"suite.human.{name}", "is unknown")
        proxy = human.get("proxy", "")
        if proxy and proxy not in [rule.metric for rule in rules]:
            wrong("suite.human.proxy", "must be one of the suite's metrics")
        required = human.get("required", HumanRule.required)
        if not isinstance(required, list | tuple) or not all(word in OCCASIONS for word in required):
            wrong("suite.human.required", f"must be a list of {', '.join(OCCASIONS)}")
            required = ()
        if human.get("coefficient", "preference_kappa") not in COEFFICIENTS:
            wrong("suite.human.coefficient", f"must be one of {', '.join(COEFFICIENTS)}")
        human_rule = HumanRule(
            required=tuple(required),
            items=int(number(human, "items", 20, 1, 100_000, "suite.human.items")),
            overlap=int(number(human, "overlap", 2, 1, 20, "suite.human.overlap")),
            margin=number(human, "margin", 0.2, 0, 1, "suite.human.margin"),
            coefficient=human.get("coefficient", "preference_kappa"),
            floor=number(human, "floor", 0.4, -1, 1, "suite.human.floor"),
            proxy=proxy,
        )
    elif human is not None:
        wrong("suite.human", "must be an object")
    if problems:
        name, sentences = next(iter(problems.items()))
        raise Invalid("bad_suite", f"{name} {sentences[0]}", problems)
    return Suite(tuple(rules), body.get("design", "paired"), max_error_share, human_rule)


def compiles(pattern: Any) -> bool:
    try:
        re.compile(pattern)
    except (re.error, TypeError):
        return False
    return True
