"""What people said of an experiment, and what that does to its verdict. For reading alone."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

from evaltrack.stats.estimate import Estimate, Undefined, from_json
from evaltrack.stats.preference import too_little
from experiments import gates, proxies, suite, verdicts
from experiments.comparison import Statistic
from experiments.models import Evidence, EvidenceKind, Experiment
from experiments.suite import HumanRule

NAMES = {
    "preference_kappa": "Preference kappa",
    "cohen_kappa": "Cohen's kappa",
    "krippendorff_alpha": "Krippendorff's alpha",
}


@dataclass(frozen=True)
class Spoken:
    """The closed judgments of people, as they were recorded: the same numbers by which the verdict was made."""

    evidence: Evidence
    rule: HumanRule
    net_preference: Statistic
    agreement: Statistic

    @property
    def win_rate(self) -> Statistic:
        return win_rate(self.net_preference)

    @property
    def usable(self) -> str:
        return gates.usable(self.agreement, self.rule.floor)

    @property
    def disagree(self) -> bool:
        return gates.disagree(self.agreement, self.rule.floor)

    @property
    def judged(self) -> tuple[str, str]:
        """People's part of the verdict, and the sentence that explains it."""
        return gates.human_outcome(gates.People(self.net_preference, self.agreement), self.rule)

    @property
    def effect(self) -> str:
        """What agreement does to the verdict."""
        outcome, _ = self.judged
        if self.usable == gates.USABLE:
            return f"They count: people's part of the verdict is {outcome}."
        if outcome == gates.FAIL:
            return "They cannot pass the gate. They can fail it, and do."
        return (
            "They cannot pass the gate: people's part of the verdict is INCONCLUSIVE, whatever they prefer."
        )

    @property
    def counts(self) -> dict[str, int] | None:
        return self.evidence.body.get("counts")

    @property
    def without_each(self) -> str:
        """Whether the outcome rests on one evaluator; nothing of fewer than three, or where it was not computed."""
        found: dict[str, int] = self.evidence.body.get("without_each") or {}
        outcome, _ = self.judged
        others = {name: count for name, count in found.items() if name != outcome}
        total = sum(found.values())
        if not found:
            return ""
        if not others:
            return f"Unchanged if any one of the {total} evaluators is removed."
        said = " and ".join(f"{name} without {count}" for name, count in sorted(others.items()))
        return f"It rests on single evaluators: of {total}, each removed in turn, it would be {said}."

    @property
    def too_little(self) -> str:
        """Why the win rate earns no word yet, if so; evidence of before does not say how often each answer came."""
        if self.counts is None:
            return ""
        decisive = self.counts.get("candidate", 0) + self.counts.get("baseline", 0)
        return too_little(decisive, self.evidence.body["items"])


@dataclass(frozen=True)
class HumanEvaluation:
    """`spoken` is None until the campaign is closed; `proxy` is what stands in meanwhile, or did until `until`."""

    rule: HumanRule
    spoken: Spoken | None
    proxy: Evidence | None
    proxy_stands: bool = False

    @property
    def until(self) -> dt.datetime | None:
        return proxies.expires_at(self.proxy.body) if self.proxy else None

    @property
    def coefficient(self) -> str:
        return NAMES[self.rule.coefficient]


def of(experiment: Experiment, *, at: dt.datetime) -> HumanEvaluation | None:
    """None where the policy asks nobody about this change."""
    rule = suite.parse(experiment.policy.body).human
    if rule is None or not experiment.needs_people:
        return None
    found = verdicts.newest(experiment, EvidenceKind.HUMAN)
    return HumanEvaluation(
        rule=rule,
        spoken=spoken(found, rule) if found else None,
        proxy=None if found else proxies.newest(experiment),
        proxy_stands=found is None and proxies.standing(experiment, at=at) is not None,
    )


def spoken(evidence: Evidence, rule: HumanRule) -> Spoken:
    body: dict[str, Any] = evidence.body
    return Spoken(evidence, rule, from_json(body["net_preference"]), from_json(body["agreement"]))


def win_rate(net: Estimate | Undefined) -> Estimate | Undefined:
    """The share of judgments for the candidate, where neither is half a win for each: (1 + net preference) / 2."""
    if isinstance(net, Undefined):
        return net

    def half(value: float | None) -> float | None:
        return None if value is None else (1 + value) / 2

    return replace(net, value=(1 + net.value) / 2, ci_low=half(net.ci_low), ci_high=half(net.ci_high))
