"""The metric that stands in for people who are late: how well it is known to agree with them, and for how long."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaltrack.stats.estimate import Estimate, Undefined
from experiments import suite
from experiments.models import Evidence, EvidenceKind, Experiment
from experiments.suite import HumanRule

Statistic = Estimate | Undefined


@dataclass(frozen=True)
class Validity:
    """What is known of how a metric compares with people, from campaigns that are closed.

    `labels` counts the examples, drawn at random, that people judged in `campaigns`; one that was judged twice for
    one of the `candidates` is one. `bias` is by how much more the metric preferred the candidate than they did, from
    −2 to 2, over examples; `favour` the same over candidates. `reasons` has a sentence for each condition of being a
    proxy that may pass, `lacks` those of the ones that fail.
    """

    labels: int
    campaigns: int
    candidates: int
    bias: Statistic
    favour: Statistic
    margin: float
    eligible: bool
    reasons: tuple[str, ...]
    lacks: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "labels": self.labels,
            "campaigns": self.campaigns,
            "candidates": self.candidates,
            "bias": self.bias.as_json(),
            "favour": self.favour.as_json(),
            "margin": self.margin,
            "eligible": self.eligible,
            "reasons": list(self.reasons),
        }


def cannot_pass(rule: HumanRule, validity: Validity) -> str:
    """Why the proxy cannot pass the gate, whatever it says; nothing where it can."""
    if not rule.proxy_may_pass:
        return "It cannot pass the gate: the policy does not list it as a proxy that may (`proxy_may_pass`)."
    if not validity.eligible:
        return (
            f"It cannot pass the gate before it is known to agree with people: {'; '.join(validity.lacks)}."
        )
    return ""


def body(
    rule: HumanRule,
    outcome: str,
    validity: Validity,
    *,
    missing: int | None,
    at: dt.datetime,
) -> dict[str, Any]:
    """The evidence as it is kept. `missing`: how many judgments of people were missing when it stood in."""
    return {
        "metric": rule.proxy,
        "outcome": outcome,
        "cannot_pass": cannot_pass(rule, validity),
        "validity": validity.as_json(),
        "missing_judgments": missing,
        "expires_at": (at + dt.timedelta(days=rule.proxy_days)).isoformat(timespec="seconds"),
    }


def facts(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the ledger says of it."""
    known = {"metric": body["metric"], "outcome": body["outcome"]}
    if "expires_at" not in body:
        return known  # evidence from before this was kept
    return known | {
        "may_pass": not body["cannot_pass"],
        "labels": body["validity"]["labels"],
        "expires_at": body["expires_at"],
    }


def behind_it(body: Mapping[str, Any]) -> str:
    """What stands behind the proxy's word, as one sentence; nothing of evidence from before this was kept."""
    if "expires_at" not in body:
        return ""
    known, missing = body["validity"], body["missing_judgments"]
    bias = known["bias"]
    seen = (
        f"against {known['labels']} human labels its bias is {bias['value']:+.2f} "
        f"({bias['ci_low']:+.2f} to {bias['ci_high']:+.2f})"
        if bias.get("ci_low") is not None
        else f"{known['labels']} human labels are known to compare it with"
    )
    left = f"; {missing} judgments are missing" if missing is not None else ""
    until = f"{expires_at(body):%-d %b %Y %H:%M} UTC"
    return f"It stands in until {until}{left}; {seen}."


def expires_at(body: Mapping[str, Any]) -> dt.datetime | None:
    """None of evidence from before proxies expired."""
    return dt.datetime.fromisoformat(body["expires_at"]) if "expires_at" in body else None


def newest(experiment: Experiment) -> Evidence | None:
    return experiment.evidence.filter(kind=EvidenceKind.PROXY).order_by("-pk").first()


def standing(experiment: Experiment, *, at: dt.datetime) -> Evidence | None:
    """The proxy that stands in now, unless people have spoken."""
    found = newest(experiment)
    if found is None:
        return None
    until = expires_at(found.body)
    return found if until is None or at < until else None


def is_over(experiment: Experiment, *, at: dt.datetime) -> bool:
    """Whether a proxy stood in, and its time is over."""
    return newest(experiment) is not None and standing(experiment, at=at) is None


def definition(experiment: Experiment, metric: str) -> tuple[str, Mapping[str, Any]] | None:
    """The version of a metric and how it was set in a plan: what must be alike for two uses of it to be one judge."""
    plan = experiment.plan.body
    rules = {rule.metric: rule for rule in suite.parse(plan["policy"]).metrics}
    if metric not in rules:
        return None
    return plan["metric_versions"][metric], rules[metric].parameters
