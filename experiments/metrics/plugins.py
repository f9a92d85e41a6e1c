"""Metrics of installed distributions: what they offer under the entry point group `evaltrack.metrics`.

An entry point gives a `Metric`, a list of them, or a function without arguments that returns either. Its name becomes
the first part of theirs: `acme = "acme_metrics:METRICS"` offers `acme:similarity`. Names of ours have no colon, so
that no release of evaltrack ever takes a name over. What is broken is left out and told, and the rest is there.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Answered, Direction, Kind, Metric, Parameter, Value

GROUP = "evaltrack.metrics"
# It stands in policies, addresses and columns of at most 60 characters.
NAME = re.compile(r"[a-z][a-z0-9_]{0,28}")
LONGEST_UNIT = 20
LONGEST_SENTENCE = 300


@dataclass(frozen=True)
class Problem:
    """What is wrong with an entry point: its name, and a sentence."""

    prefix: str
    sentence: str


@dataclass(frozen=True)
class Found:
    """The metrics that plug-ins offer, by full name, and what of them is left out."""

    metrics: dict[str, Metric] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class Wrong(Exception):
    """A plug-in does not offer what it has to."""


def load(reserved: Collection[str], offered: Iterable[EntryPoint] | None = None) -> Found:
    """Everything that is installed. `reserved` are first parts of names that plug-ins may not have."""
    found = Found()
    listed = entry_points(group=GROUP) if offered is None else offered
    owners: dict[str, str] = {}
    for each in sorted(listed, key=lambda each: (each.name, origin(each))):
        try:
            if each.name in owners:
                raise Wrong(f"{owners[each.name]} has the same entry point; only that one is used")
            metrics = metrics_of(each, reserved)
        # A stranger's module may do anything when it is imported, and must not keep the site from starting.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            said = str(error) if isinstance(error, Wrong) else f"{type(error).__name__}: {error}"
            found.problems.append(Problem(each.name, f"{origin(each)}: {said[:LONGEST_SENTENCE]}"))
            continue
        owners[each.name] = origin(each)
        found.metrics.update((metric.name, metric) for metric in metrics)
    return found


def origin(each: EntryPoint) -> str:
    """The distribution and its version, as plans record them."""
    return f"{each.dist.name} {each.dist.version}" if each.dist else "an unknown distribution"


def metrics_of(each: EntryPoint, reserved: Collection[str]) -> list[Metric]:
    if not NAME.fullmatch(each.name):
        raise Wrong(f"its entry point {each.name!r} has to be a name such as acme: small letters, digits, _")
    if each.name in reserved:
        raise Wrong(
            f"its entry point {each.name!r} has a name that evaltrack uses itself; it has to choose another"
        )
    offered = each.load()
    if callable(offered) and not isinstance(offered, Metric):
        offered = offered()
    metrics = [offered] if isinstance(offered, Metric) else offered
    if not isinstance(metrics, list | tuple) or not metrics:
        raise Wrong(f"{each.value} is no Metric and no list of them")
    named = [wrapped(metric, each) for metric in metrics]
    if len({metric.name for metric in named}) < len(named):
        raise Wrong("two of its metrics have the same name")
    return named


def wrapped(metric: Any, each: EntryPoint) -> Metric:
    """The metric under its full name and version, and such that whatever it does is a value or a reason."""
    if not isinstance(metric, Metric):
        raise Wrong(f"{each.value} lists {type(metric).__name__}, which is no Metric")
    if not NAME.fullmatch(str(metric.name)):
        raise Wrong(f"its metric {metric.name!r} has to have a name of small letters, digits and _")
    problem = next((sentence for holds, sentence in asked_of(metric) if not holds), "")
    if problem:
        raise Wrong(f"its metric {metric.name} {problem}")
    return replace(
        metric,
        name=f"{each.name}:{metric.name}",
        version=f"{metric.version} ({origin(each)})",
        # Nobody else is asked for its values.
        scorer="",
        value=guarded(metric.value) if metric.value else None,
        # What counts of an answer in its run may be anything.
        together=guarded_list(metric.together, list if metric.of_run else numbers)
        if metric.together
        else None,
        of_run=guarded_list(metric.of_run, numbers) if metric.of_run else None,
    )


def asked_of(metric: Metric) -> Iterable[tuple[bool, str]]:
    yield metric.kind in list(Kind), "has no kind of experiments.metrics.base.Kind"
    yield metric.direction in list(Direction), "has no direction of experiments.metrics.base.Direction"
    yield callable(metric.value) != callable(metric.together), "needs either value or together, a function"
    yield not metric.of_run or callable(metric.together), "is of a run, and needs together"
    yield metric.of_run is None or callable(metric.of_run), "has an of_run that is no function"
    yield metric.kind != Kind.LABELS and metric.figure is None, "is about labels, which plug-ins cannot be"
    yield isinstance(metric.definition, str) and bool(metric.definition), "has no definition"
    yield isinstance(metric.unit, str) and len(metric.unit) <= LONGEST_UNIT, "has a unit that is too long"
    yield isinstance(metric.version, str) and bool(metric.version), "has no version, a text"
    yield all(isinstance(each, Parameter) for each in metric.takes.values()), "takes what is no Parameter"
    yield set(metric.needs) <= set(metric.takes), "needs a parameter that it does not take"


def guarded(value: Callable[[Answered], Value]) -> Callable[[Answered], Value]:
    def found(answered: Answered) -> Value:
        try:
            return number(value(answered))
        except Exception as error:  # noqa: BLE001  one answer that a stranger's function cannot read
            return failed(error)

    return found


def guarded_list(
    function: Callable[[Sequence[Any]], Any], as_list: Callable[[Any], list[Any]]
) -> Callable[[Sequence[Any]], list[Any]]:
    def found(several: Sequence[Any]) -> list[Any]:
        try:
            values = as_list(function(several))
        except Exception as error:  # noqa: BLE001  as above, for all of them
            return [failed(error)] * len(several)
        if len(values) != len(several):
            return [Undefined("the plug-in gave more or fewer values than answers")] * len(several)
        return values

    return found


def numbers(values: Any) -> list[Value]:
    return [number(each) for each in values]


def number(value: Any) -> Value:
    """What a plug-in returned, as a value: numbers of numpy and the like are numbers too."""
    if isinstance(value, Undefined):
        return value
    as_float = float(value)
    return as_float if math.isfinite(as_float) else Undefined("the plug-in gave no finite number")


def failed(error: Exception) -> Undefined:
    # Not its words: they may repeat the answer, and each would be a reason of its own.
    return Undefined(f"the plug-in failed ({type(error).__name__})")
