"""Pure: the parts of a policy's body, each read with one sentence per bad field."""

from typing import Any

from experiments.metrics import REGISTRY, composite
from experiments.metrics.base import Kind
from experiments.stopping import SPENDINGS
from experiments.suite.reading import Reading
from experiments.suite.rules import (
    COEFFICIENTS,
    COUNTS,
    LARGER_TIERS,
    MISSING,
    MOST_METRICS,
    OCCASIONS,
    PROMOTED_TIERS,
    PROMOTION,
    ROLES,
    STOPS,
    WITH_TEXT,
    CacheRule,
    HumanRule,
    LooksRule,
    MetricRule,
    PromotionRule,
)


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


def cache_rule(given: Any, rules: list[MetricRule], reading: Reading) -> CacheRule | None:
    """Whether earlier answers may be reused. They have no latency, so nothing can be decided by it then."""
    if given is None:
        return None
    path = "suite.cache"
    if not isinstance(given, dict):
        reading.wrong(path, 'must be an object, such as {"salt": "2026-11", "max_age_days": 30}')
        return None
    reading.known(given, CacheRule.__dataclass_fields__, path)
    for rule in rules:
        if REGISTRY[rule.metric].of_time and rule.role != "secondary":
            reading.wrong(
                path,
                f"has no place beside {rule.metric}, which is {rule.role}: reused answers have no latency. "
                "Make the metric secondary, or leave the cache out",
            )
    return CacheRule(
        salt=reading.text(given, "salt", 80, path),
        max_age_days=int(reading.number(given, "max_age_days", 30, 1, 3650, path)),
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
