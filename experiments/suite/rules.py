"""Pure: what a gate policy says: its metrics, and its rules beside them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from experiments.stopping import ALPHA

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


@dataclass(frozen=True)
class CacheRule:
    """That answers of earlier experiments may be reused which name the same `salt`, up to an age."""

    salt: str = ""
    max_age_days: int = 30


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
    cache: CacheRule | None = None
    # Whether what endpoints answer is kept whole, beside what is read from it.
    keep_replies: bool = False

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
