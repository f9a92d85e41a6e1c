"""Whether an experiment that extends another has what its plan says: that one and its answers. For reading alone."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from experiments.models import Arm, Experiment, Run
from experiments.running import planning
from experiments.scoring import BLOCK


def are_those_of_plans(experiment: Experiment) -> bool:
    """Whether it and what it extends extend what their plans name; nothing can be said of looks otherwise."""
    before, named = experiment.extends, experiment.plan.body.get("extends")
    if before is None or named is None:
        return before is named
    return before.public_id == named["experiment"] and are_those_of_plans(before)


def differ(experiment: Experiment, runs: Mapping[Arm, Run]) -> Iterator[str]:
    """Answers without a plan that was locked before them, and those that are not what an earlier look had."""
    earlier_look, plan = experiment.extends, experiment.plan
    kept = runs_of(earlier_look) if earlier_look else {}
    for arm, run in runs.items():
        is_older = is_another = False
        for own, before in beside(run, kept.get(arm)):
            if before is None:
                is_older |= own.finished_at is None or own.finished_at < plan.locked_at
            else:
                is_another |= own.answer != before.answer
        if is_older:
            yield f"An output of the {arm} is older than the plan."
        if is_another:
            yield f"An output of the {arm} is not the one that was kept from {earlier_look}."
    if earlier_look:
        if plan.body.get("extends") != planning.look_before(earlier_look):
            yield (
                f"{earlier_look}, which this extends, is not what the plan names: its plan or its outputs differ."
            )
        yield from (f"{earlier_look}: {finding}" for finding in differ(earlier_look, kept))


def runs_of(experiment: Experiment) -> dict[Arm, Run]:
    return {Arm(run.arm): run for run in experiment.runs.of_arms()}


@dataclass(frozen=True)
class Placed:
    """What was answered in a place: of which example, and for which time."""

    place: tuple[int, int]
    answer: tuple[Any, ...]

    @property
    def finished_at(self) -> dt.datetime | None:
        return self.answer[planning.ANSWER.index("finished_at")]


def placed(run: Run | None) -> Iterator[Placed]:
    """A run's outputs in order, read a few at a time."""
    if run is not None:
        rows = run.outputs.in_order().values_list("position", "repeat", *planning.ANSWER)
        for row in rows.iterator(chunk_size=BLOCK):
            yield Placed(row[:2], row[2:])


def beside(run: Run, earlier: Run | None) -> Iterator[tuple[Placed, Placed | None]]:
    """Each output, and the one that an earlier look has in its place, if it has one."""
    before = placed(earlier)
    held = next(before, None)
    for each in placed(run):
        while held is not None and held.place < each.place:
            held = next(before, None)
        yield each, held if held is not None and held.place == each.place else None
