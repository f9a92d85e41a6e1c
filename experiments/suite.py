"""Pure: a gate policy's body: which metrics decide, with which margins, and when people must judge."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from evaltrack.errors import Invalid
from experiments.metrics import REGISTRY, composite
from experiments.metrics.base import Kind
from experiments.stopping import ALPHA, SPENDINGS

ROLES = ("gating", "guardrail", "secondary")
DESIGNS = ("paired", "independent")
STOPS = ("all", "settled")
COEFFICIENTS = ("preference_kappa", "cohen_kappa", "krippendorff_alpha")
# The tiers to which an experiment may be extended.
LARGER_TIERS = ("extended", "standard")
# The tiers whose PASS may be promoted at all, the smaller first.
PROMOTED_TIERS = ("standard", "extended")
# What may ask for people.
OCCASIONS = ("high_risk", "major_version")
MOST_METRICS = 30
MOST_REPEATS = 20
# What an example counts that ended without an answer of the usual kind: as the text that there is, as wrong, or not.
COUNTS = ("scored", "wrong", "exclude")
WITH_TEXT = ("refused", "format_invalid")
# What the system does counts against it; what failed between it and us, or was not asked, is left out.
MISSING = {
    "refused": "scored",
    "format_invalid": "wrong",
    "target_error": "wrong",
    "infrastructure_error": "exclude",
    "skipped_by_budget": "exclude",
}


@dataclass(frozen=True)
class MetricRule:
    """One metric of a suite.

    `margin`: the loss, in the metric's own unit, that is still tolerated; `reason`: why so much. On fewer than
    `minimum_n` examples with a value in both arms nothing is decided.
    """

    metric: str
    role: str = "gating"
    margin: float = 0.0
    reason: str = ""
    minimum_n: int = 0
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
    # What stands in for them, whether it may pass the gate where it is known to agree with them, and for how long.
    proxy: str = ""
    proxy_may_pass: bool = False
    proxy_days: int = 14
    # On so large a share of judgments people are asked which response they think is in production.
    guess_share: float = 0.0
    # So large a share of what an evaluator is given is what they have judged days before.
    repeat_share: float = 0.0
    # "all": people judge everything; "settled": the lead may stop when the interval that holds at every look lies on
    # one side of the margin.
    stop: str = "all"


@dataclass(frozen=True)
class LooksRule:
    """That an experiment may be looked at on a smaller tier and extended, up to the tier `to`.

    `spending` says how much of the level a look may use: Pocock's nearly as much early as late,
    O'Brien and Fleming's hardly anything early.
    """

    to: str = "extended"
    spending: str = "pocock"


@dataclass(frozen=True)
class PromotionRule:
    """The smallest tier, and how many examples at least, whose PASS may be promoted."""

    tier: str = "standard"
    examples: int = 0

    def refuses(self, tier: str, examples: int) -> str:
        """Why an experiment of `tier` with so many examples is too small; empty where it is not."""
        if PROMOTED_TIERS.index(self.tier) > PROMOTED_TIERS.index(tier):
            return f"on the {self.tier} tier"
        return f"on {self.examples:,} examples at least" if examples < self.examples else ""


PROMOTION = {"staging": PromotionRule(), "production": PromotionRule()}


@dataclass(frozen=True)
class Suite:
    """`alpha`: the two-sided level at which each metric decides, over all looks together.

    `cluster`: the field of the examples' metadata by which they belong together (a document, a conversation), and
    say less than as many independent ones.
    """

    metrics: tuple[MetricRule, ...]
    design: str = "paired"
    alpha: float = ALPHA
    looks: LooksRule | None = None
    cluster: str = ""
    max_error_share: float = 0.05
    # So often each example is asked of each arm; its value is the mean of its repeats.
    repeats: int = 1
    # Outcome → what an example counts that ended so.
    missing: Mapping[str, str] = field(default_factory=lambda: MISSING)
    # Environment → what an experiment must have asked.
    promotion: Mapping[str, PromotionRule] = field(default_factory=lambda: PROMOTION)
    human: HumanRule | None = None

    def reading(self, metrics: Sequence[MetricRule]) -> "Suite":
        """Other metrics, of what was collected under these rules."""
        return replace(self, metrics=tuple(metrics))

    def as_json(self) -> dict[str, Any]:
        body = asdict(replace(self, missing={}, promotion={}))
        body["promotion"] = {name: asdict(rule) for name, rule in self.promotion.items()}
        body["metrics"] = [asdict(rule) for rule in self.metrics]
        body["missing"] = dict(self.missing)
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


class Reading:
    """Reads fields one by one and keeps what is wrong, so that all of it can be said at once."""

    def __init__(self) -> None:
        self.problems: dict[str, list[str]] = {}

    def wrong(self, path: str, sentence: str) -> None:
        self.problems.setdefault(path, []).append(sentence)

    def known(self, source: dict, names: Any, path: str) -> None:
        for name in sorted(set(source) - set(names)):
            self.wrong(f"{path}.{name}", "is unknown")

    def number(self, source: dict, name: str, default: float, low: float, high: float, path: str) -> float:
        value = source.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.wrong(f"{path}.{name}", f"must be a number from {low:g} to {high:g}")
            return default
        return value

    def flag(self, source: dict, name: str, path: str) -> bool:
        value = source.get(name, False)
        if not isinstance(value, bool):
            self.wrong(f"{path}.{name}", "must be true or false")
            return False
        return value

    def text(self, source: dict, name: str, longest: int, path: str) -> str:
        value = source.get(name, "")
        if not isinstance(value, str) or len(value) > longest:
            self.wrong(f"{path}.{name}", f"must be text of at most {longest} characters")
            return ""
        return value

    def word(self, source: dict, name: str, words: tuple[str, ...], path: str) -> str:
        value = source.get(name, words[0])
        if value not in words:
            self.wrong(f"{path}.{name}", f"must be one of {', '.join(words)}")
            return words[0]
        return value


def parse(body: Any) -> Suite:
    """The suite that `body` describes; Invalid with one sentence per bad field."""
    if not isinstance(body, dict) or not isinstance(body.get("metrics"), list) or not body["metrics"]:
        raise Invalid(
            "bad_suite",
            'suite needs "metrics", a list such as [{"metric": "accuracy", "role": "gating", "margin": 0.02}]',
            {"suite.metrics": ["is missing"]},
        )
    reading = Reading()
    reading.known(body, Suite.__dataclass_fields__, "suite")
    rules = metric_rules(body["metrics"], reading)
    suite = Suite(
        metrics=tuple(rules),
        design=reading.word(body, "design", DESIGNS, "suite"),
        alpha=reading.number(body, "alpha", ALPHA, 0.0001, 0.2, "suite"),
        looks=looks_rule(body.get("looks"), reading),
        cluster=reading.text(body, "cluster", 80, "suite"),
        max_error_share=reading.number(body, "max_error_share", 0.05, 0, 1, "suite"),
        repeats=int(reading.number(body, "repeats", 1, 1, MOST_REPEATS, "suite")),
        missing=missing_rule(body.get("missing"), reading),
        promotion=promotion_rule(body.get("promotion"), reading),
        human=human_rule(body.get("human"), [rule.metric for rule in rules], reading),
    )
    if suite.cluster and suite.design != "paired":
        reading.wrong("suite.cluster", "needs the design paired")
    if reading.problems:
        path, sentences = next(iter(reading.problems.items()))
        raise Invalid("bad_suite", f"{path} {sentences[0]}", reading.problems)
    return suite


def metric_rules(listed: list, reading: Reading) -> list[MetricRule]:
    if len(listed) > MOST_METRICS:
        reading.wrong("suite.metrics", f"are more than {MOST_METRICS}")
    rules: list[MetricRule] = []
    for place, given in enumerate(listed[:MOST_METRICS]):
        rule = metric_rule(given, f"suite.metrics.{place}", reading)
        if rule and rule.metric in {earlier.metric for earlier in rules}:
            reading.wrong(f"suite.metrics.{place}.metric", "stands twice")
        elif rule:
            rules.append(rule)
    for place, rule in enumerate(rules):
        if rule.metric == composite.NAME:
            check_parts(
                rule, {each.metric for each in rules}, f"suite.metrics.{place}.parameters.weights", reading
            )
    if rules and not any(rule.role == "gating" for rule in rules):
        reading.wrong("suite.metrics", "need at least one with the role gating")
    return rules


def check_parts(rule: MetricRule, known: set[str], path: str, reading: Reading) -> None:
    """What a composite score is made of: metrics of the same suite with a value from 0 to a largest."""
    weights = rule.parameters.get("weights")
    for name in weights if isinstance(weights, dict) else ():
        if name not in known:
            reading.wrong(path, f"names {name}, which is not among the suite's metrics")
        elif not composite.may_be_part(REGISTRY[name]):
            reading.wrong(path, f"names {name}, which has no largest value, or none for one answer alone")


def promotion_rule(given: Any, reading: Reading) -> dict[str, PromotionRule]:
    """What an experiment must have asked before its candidate goes to an environment."""
    path = "suite.promotion"
    rules = dict(PROMOTION)
    if given is None:
        return rules
    if not isinstance(given, dict):
        reading.wrong(
            path, 'must be an object, such as {"production": {"tier": "extended", "examples": 1000}}'
        )
        return rules
    reading.known(given, PROMOTION, path)
    for environment in PROMOTION:
        wanted = given.get(environment, {})
        if not isinstance(wanted, dict):
            reading.wrong(f"{path}.{environment}", "must be an object")
            continue
        reading.known(wanted, PromotionRule.__dataclass_fields__, f"{path}.{environment}")
        rules[environment] = PromotionRule(
            tier=reading.word(wanted, "tier", PROMOTED_TIERS, f"{path}.{environment}"),
            examples=int(reading.number(wanted, "examples", 0, 0, 10_000_000, f"{path}.{environment}")),
        )
    return rules


def metric_rule(given: Any, path: str, reading: Reading) -> MetricRule | None:
    if not isinstance(given, dict) or str(given.get("metric")) not in REGISTRY:
        named = given.get("metric") if isinstance(given, dict) else ""
        reading.wrong(f"{path}.metric", f"{REGISTRY.why_not(str(named)[:80])}")
        return None
    reading.known(given, MetricRule.__dataclass_fields__, path)
    parameters = given.get("parameters", {})
    if not isinstance(parameters, dict):
        reading.wrong(f"{path}.parameters", "must be an object")
        parameters = {}
    for name, parameter in REGISTRY[given["metric"]].takes.items():
        if name in parameters and not parameter.accepts(parameters[name]):
            reading.wrong(f"{path}.parameters.{name}", f"must be {parameter.kind}")
    for name in REGISTRY[given["metric"]].needs:
        if name not in parameters:
            reading.wrong(
                f"{path}.parameters.{name}",
                f"is missing; it must be {REGISTRY[given['metric']].takes[name].kind}",
            )
    # Shares differ by at most 1: a margin of 3, meant as points, would let everything pass.
    most = 0.99 if REGISTRY[given["metric"]].kind in (Kind.BINARY, Kind.LABELS) else 1e9
    return MetricRule(
        metric=given["metric"],
        role=reading.word(given, "role", ROLES, path),
        margin=reading.number(given, "margin", 0.0, 0, most, path),
        reason=str(given.get("reason", "")),
        minimum_n=int(reading.number(given, "minimum_n", 0, 0, 10_000_000, path)),
        parameters=parameters,
    )


def missing_rule(given: Any, reading: Reading) -> dict[str, str]:
    """What an example counts that ended without an answer of the usual kind, by its outcome."""
    path = "suite.missing"
    if given is None:
        return dict(MISSING)
    if not isinstance(given, dict):
        reading.wrong(path, 'must be an object, such as {"refused": "exclude"}')
        return dict(MISSING)
    reading.known(given, MISSING, path)
    rule = dict(MISSING)
    for outcome in MISSING:
        allowed = COUNTS if outcome in WITH_TEXT else COUNTS[1:]
        if outcome in given and given[outcome] not in allowed:
            reading.wrong(f"{path}.{outcome}", f"must be one of {', '.join(allowed)}")
        elif outcome in given:
            rule[outcome] = given[outcome]
    return rule


def looks_rule(given: Any, reading: Reading) -> LooksRule | None:
    if given is None:
        return None
    path = "suite.looks"
    if not isinstance(given, dict):
        reading.wrong(path, 'must be an object, such as {"to": "extended", "spending": "pocock"}')
        return None
    reading.known(given, LooksRule.__dataclass_fields__, path)
    return LooksRule(
        to=reading.word(given, "to", LARGER_TIERS, path),
        spending=reading.word(given, "spending", SPENDINGS, path),
    )


def human_rule(given: Any, metrics: list[str], reading: Reading) -> HumanRule | None:
    if given is None:
        return None
    path = "suite.human"
    if not isinstance(given, dict):
        reading.wrong(path, "must be an object")
        return None
    reading.known(given, HumanRule.__dataclass_fields__, path)
    proxy = given.get("proxy", "")
    if proxy and proxy not in metrics:
        reading.wrong(f"{path}.proxy", "must be one of the suite's metrics")
    required = given.get("required", OCCASIONS)
    if not isinstance(required, list | tuple) or not all(word in OCCASIONS for word in required):
        reading.wrong(f"{path}.required", f"must be a list of {', '.join(OCCASIONS)}")
        required = ()
    coefficient = reading.word(given, "coefficient", COEFFICIENTS, path)
    stop = reading.word(given, "stop", STOPS, path)
    if stop == "settled" and coefficient == "cohen_kappa":
        reading.wrong(f"{path}.stop", "needs a coefficient with an interval at every look: not cohen_kappa")
    return HumanRule(
        required=tuple(required),
        items=int(reading.number(given, "items", 20, 1, 100_000, path)),
        overlap=int(reading.number(given, "overlap", 2, 1, 20, path)),
        margin=reading.number(given, "margin", 0.2, 0, 1, path),
        coefficient=coefficient,
        floor=reading.number(given, "floor", 0.4, -1, 1, path),
        proxy=proxy,
        proxy_may_pass=reading.flag(given, "proxy_may_pass", path),
        proxy_days=int(reading.number(given, "proxy_days", 14, 1, 365, path)),
        guess_share=reading.number(given, "guess_share", 0.0, 0, 1, path),
        repeat_share=reading.number(given, "repeat_share", 0.0, 0, 0.5, path),
        stop=stop,
    )
