"""Part of a page: the looks at one question, and the larger tiers to which it may be taken."""

from typing import Any

from datasets.sampling import tier_size
from experiments import extension, stopping, suite
from experiments.models import Experiment, Verdict
from experiments.running import planning


def looks_at(experiment: Experiment, verdict: Verdict | None) -> dict[str, Any] | None:
    """The looks of which this is one, and the tiers to which it may be taken; None where one was planned."""
    plan = getattr(experiment, "plan", None)
    rules = suite.parse(experiment.policy.body)
    if rules.looks is None:
        return None
    everything = experiment.dataset_version.example_count
    later: list[Experiment] = []
    while further := (later[-1] if later else experiment).extensions.standing().first():
        later.append(further)
    chain = [*planning.earlier_looks(experiment), experiment, *later]
    return {
        "chain": [
            {
                "experiment": each,
                "examples": f"{tier_size(each.tier, everything):,}",
                "verdict": each.verdicts.first(),
                "here": each == experiment,
            }
            for each in chain
        ],
        "everything": f"{tier_size(rules.looks.to, everything):,}",
        "alpha": f"{100 * rules.alpha:g} %",
        "rule": stopping.of_plan(plan.body) if plan else None,
        "spending": rules.looks.spending,
        "offers": [
            {"tier": tier, "more": f"{more:,}", "examples": f"{tier_size(tier, everything):,}"}
            for tier, more in extension.larger_tiers(experiment)
            if not later and extension.obstacle(experiment, verdict, tier) is None
        ],
    }
