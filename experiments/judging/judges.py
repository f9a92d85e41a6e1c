"""Which judges a gate policy names, and whether there are such."""

from collections.abc import Iterable, Mapping
from typing import Any

from evaltrack.errors import Invalid, Refusal
from experiments import targets
from experiments.judging import prompts
from experiments.judging.asked import Said
from experiments.judging.forms import FORMS, PAIRWISE
from experiments.metrics.judged import JUDGE
from experiments.models import ComponentKind, ComponentVersion
from experiments.suite import MetricRule, Suite
from experiments.targets.base import Target

# What a judge's configuration has to pass on, for a trial of it.
TRIAL = Said("the instructions of a trial 5b1c", "the material of a trial 90fe")


def judged_rules(rules: Suite) -> list[MetricRule]:
    return [rule for rule in rules.metrics if rule.metric in FORMS]


def of(rules: Suite) -> dict[str, ComponentVersion]:
    """The judge of each judged metric, by name. Invalid where there is no such judge, or it cannot be asked so."""
    found = {}
    for rule in judged_rules(rules):
        path = f"suite.metrics.{rules.metrics.index(rule)}"
        found[rule.metric] = named(rule.parameters["judge"], f"{path}.parameters.judge")
        if rule.metric == PAIRWISE and rules.design != "paired":
            sentence = "compares two answers to the same example, and needs the design paired"
            raise Invalid("bad_suite", f"{rule.metric} {sentence}.", {f"{path}.metric": [sentence]})
    return found


def named(name: str, path: str) -> ComponentVersion:
    """The version that "component@version" names, of a component that is a judge."""
    parts = JUDGE.fullmatch(name)
    rows = ComponentVersion.objects.filter(component__kind=ComponentKind.JUDGE).select_related(
        "component__owner"
    )
    row = rows.filter(component__name=parts[1], version=parts[2]).first() if parts else None
    if row is None:
        known = ", ".join(f"{each.component}@{each.version}" for each in rows.order_by("-created_at")[:5])
        raise Invalid(
            "no_such_judge",
            f"There is no judge {name!r}; there {'are ' + known if known else 'is none yet'}. "
            "Register a component of the kind judge, and the version of it.",
            {path: ["is no judge that is registered"]},
        )
    return row


def name_of(version: ComponentVersion) -> str:
    return f"{version.component.name}@{version.version}"


def judging(target: Target) -> Refusal | None:
    """Whether a configuration can be a judge's: somebody is asked, and told what evaltrack tells a judge."""
    if not target.is_asked:
        return Refusal("judge_not_asked", "A judge is asked by evaltrack; its target cannot be uploaded.")
    if target.is_batched:
        return Refusal("judge_in_batches", "A judge is asked one by one; leave its target's batch out.")
    try:
        sent = str(target.question(TRIAL.variables).body)
    except KeyError as missing:
        return Refusal(
            "judge_prompt",
            f"The prompt names {missing}; a judge's knows input, or its two halves, instructions and material.",
        )
    if TRIAL.instructions not in sent or TRIAL.material not in sent:
        return Refusal(
            "judge_prompt",
            "The prompt leaves out what the judge is told: name {{ input }} in it, or {{ instructions }} "
            "and {{ material }}.",
        )
    return None


def locked(versions: Mapping[str, ComponentVersion]) -> dict[str, dict[str, Any]]:
    """What a plan keeps of its judges, by metric: who is asked, and the digest of what they are told."""
    return {
        metric: {
            "judge": name_of(version),
            "configuration": version.digest,
            "prompt": prompts.digest_of(FORMS[metric].prompt),
        }
        for metric, version in versions.items()
    }


def targets_of(versions: Iterable[ComponentVersion]) -> list[Target]:
    return [targets.parse(version.configuration) for version in versions]
