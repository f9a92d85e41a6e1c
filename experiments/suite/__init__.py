"""Pure: a gate policy's body: which metrics decide, with which margins, and when people must judge."""

from typing import Any

from evaltrack.errors import Invalid
from experiments.suite.parts import (
    cache_rule,
    human_rule,
    looks_rule,
    metric_rules,
    missing_rule,
    promotion_rule,
)
from experiments.suite.reading import Reading
from experiments.suite.rules import (
    ALPHA,
    COUNTS,
    DESIGNS,
    MISSING,
    MOST_REPEATS,
    CacheRule,
    HumanRule,
    LooksRule,
    MetricRule,
    PromotionRule,
    Suite,
    needs_people,
)

__all__ = [
    "COUNTS",
    "MISSING",
    "CacheRule",
    "HumanRule",
    "LooksRule",
    "MetricRule",
    "PromotionRule",
    "Reading",
    "Suite",
    "needs_people",
    "parse",
]


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
        cache=cache_rule(body.get("cache"), rules, reading),
        keep_replies=reading.flag(body, "keep_replies", "suite"),
    )
    if suite.cluster and suite.design != "paired":
        reading.wrong("suite.cluster", "needs the design paired")
    if reading.problems:
        path, sentences = next(iter(reading.problems.items()))
        raise Invalid("bad_suite", f"{path} {sentences[0]}", reading.problems)
    return suite
