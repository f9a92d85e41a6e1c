"""Examples that belong together, by a field of their metadata: what is sampled independently are their groups."""

from collections.abc import Sequence
from typing import Any

from datasets import versions
from datasets.examples import Example
from datasets.sampling import tier_positions
from evaltrack.canonical import canonical_json, sha256_hex
from experiments.models import Experiment
from experiments.suite import Suite


def groups_of(examples: Sequence[Example], rules: Suite) -> list[int] | None:
    """The number of each example's group; None where the rules do not group them.

    An example without the field, or with null in it, is a group of its own.
    """
    if not rules.cluster:
        return None
    numbers: dict[Any, int] = {}
    belongs = [(each.id, each.metadata.get(rules.cluster)) for each in examples]
    keys = [("alone", name) if value is None else canonical_json(value) for name, value in belongs]
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def named(rules: Suite, groups: Sequence[int]) -> dict[str, Any]:
    """The groups as a plan names them."""
    return {
        "by": rules.cluster,
        "count": len(set(groups)),
        "digest": sha256_hex(",".join(map(str, groups)).encode()),
    }


def of_experiment(experiment: Experiment, rules: Suite) -> list[int] | None:
    """The groups by `rules` of the examples that an experiment asked: as it locked them, or else from the dataset.

    Raises Unavailable where the store is needed and does not answer.
    """
    if not rules.cluster:
        return None
    locked = experiment.plan.body.get("groups")
    if locked and locked["by"] == rules.cluster:
        return experiment.plan.groups
    examples = versions.examples(experiment.dataset_version)
    positions = tier_positions(
        [example.id for example in examples], tier=experiment.tier, seed=experiment.dataset_version.digest
    )
    return groups_of([examples[position] for position in positions], rules)
