"""Pure: what an annotation of Label Studio says, control by control, in the words of its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaltrack.fields import WrongField

# Kinds of controls that can say which of two is better.
COMPARING = ("pairwise", "choices", "ranker")
# Kinds that hold words or marks beside an answer: one that has nothing else was not answered.
BESIDE = ("textarea", "relation")


@dataclass(frozen=True)
class Answered:
    """What one annotation says, by control: the sides that it names, in the words of the file."""

    labels: Mapping[str, list[Any]]
    # Where each control stands in the file.
    paths: Mapping[str, str]
    # Controls that compare nothing, with their kind.
    kinds: Mapping[str, str]


def answers_in(annotation: Mapping[str, Any], within: str) -> Answered:
    result = annotation["result"]
    if not isinstance(result, list):
        raise WrongField(f"{within}.result", "must be a list")
    labels: dict[str, list[str]] = {}
    paths: dict[str, str] = {}
    kinds: dict[str, str] = {}
    for place, each in enumerate(result):
        path = f"{within}.result[{place}]"
        if not isinstance(each, dict) or not isinstance(each.get("type"), str):
            raise WrongField(path, "must be an object with from_name, type and value")
        name = each.get("from_name", each["type"])
        if not isinstance(name, str):
            raise WrongField(f"{path}.from_name", "must be text")
        paths.setdefault(name, path)
        if each["type"] not in COMPARING:
            kinds[name] = each["type"]
            continue
        if found := labels_of(each, f"{path}.value"):
            labels.setdefault(name, []).extend(found)
    return Answered(labels, paths, kinds)


def labels_of(result: Mapping[str, Any], path: str) -> list[str]:
    """What a control says, in the words of the file; nothing where it was emptied again."""
    value = result.get("value")
    if not isinstance(value, dict):
        raise WrongField(path, "must be an object")
    if result["type"] == "pairwise":
        selected = value.get("selected")
        if selected in (None, "none"):
            return []
        if selected not in ("left", "right"):
            raise WrongField(f"{path}.selected", "is left or right")
        return [selected]
    if result["type"] == "choices":
        choices = value.get("choices")
        if not isinstance(choices, list) or not all(isinstance(each, str) for each in choices):
            raise WrongField(f"{path}.choices", "must be a list of texts")
        return choices
    ranked = value.get("ranker")
    order = next(iter(ranked.values())) if isinstance(ranked, dict) and len(ranked) == 1 else None
    if not isinstance(order, list) or len(order) != 2 or not all(isinstance(each, str) for each in order):
        raise WrongField(f"{path}.ranker", "must be one order of two responses; others are not imported")
    return order[:1]


def labels_beside(value: Any, name: str) -> list[str]:
    values = value if isinstance(value, list) else [value]
    labels: list[Any] = []
    for each in values:
        if isinstance(each, dict):
            found = each.get("choices", each.get("selected"))
            labels += found if isinstance(found, list) else [found]
        else:
            labels.append(each)
    if not labels or not all(isinstance(label, str) for label in labels):
        raise WrongField(name, "must be the label of a choice, or left or right")
    return labels


def not_comparing(name: str, kind: str, path: str) -> WrongField:
    return WrongField(
        path,
        f"is of the control {name!r}, which is a {kind}; it does not say which of two is better. Imported are "
        "Pairwise, Choices, and a Ranker of two",
    )
