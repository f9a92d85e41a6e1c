"""Examples that belong together, by a field of their metadata: what is sampled independently are their groups."""

from collections.abc import Iterable, Sequence
from typing import Any

from datasets import versions
from datasets.examples import Example
from datasets.sampling import tier_positions
from evaltrack.canonical import canonical_json, sha256_hex
from experiments.models import Experiment
from experiments.suite import Suite


def groups_of(examples: Iterable[Example], rules: Suite) -> list[int] | None:
    """The number of each example's group; None where the rules do not group them."""
    ids, clusters = read(examples, rules)
    return numbered(clusters, range(len(ids)))


def read(examples: Iterable[Example], rules: Suite) -> tuple[list[str], list[Any] | None]:
    """The id of each example, and what it belongs to where the rules group them."""
    ids, clusters = [], []
    for example in examples:
        ids.append(example.id)
        if rules.cluster:
            clusters.append(belonging(example, rules.cluster))
    return ids, clusters if rules.cluster else None


def belonging(example: Example, field: str) -> Any:
    """An example without the field, or with null in it, is a group of its own."""
    value = example.metadata.get(field)
    return ("alone", example.id) if value is None else canonical_json(value)


def numbered(clusters: Sequence[Any] | None, positions: Iterable[int]) -> list[int] | None:
    """The groups at `positions`, numbered in the order in which they occur."""
    if clusters is None:
        return None
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(clusters[position], len(numbers)) for position in positions]


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
    ids, clusters = read(versions.stream(experiment.dataset_version), rules)
    positions = tier_positions(ids, tier=experiment.tier, seed=experiment.dataset_version.digest)
    return numbered(clusters, positions)
