"""The tables of the pages as files: what each page shows, with every digit."""

from collections.abc import Iterator, Sequence
from typing import Any

from evaltrack.stats.estimate import Estimate
from evaltrack.tables import Table, limits, with_limits
from experiments.comparison import Statistic
from experiments.human import HumanEvaluation, Spoken
from experiments.latency import Distribution
from experiments.models import Comparison, Component, Experiment, Run
from experiments.multirun import Cell, Row, name_of
from experiments.parallel import Spread
from experiments.planner.answers import Answer
from experiments.trend import Step

JUDGED = ("decided_by", "p", "p_worse_holm", "margin", "outcome", "note")
ARMS = with_limits("baseline", "candidate", "difference")
BRIEF = ("difference", "difference_low", "difference_high")


def unit_of(kind: str, unit: str) -> str:
    return "share" if kind == "binary" else unit


def forest(experiment: Experiment, comparisons: Sequence[Comparison]) -> Table:
    return Table(
        f"{experiment}-metrics",
        ("metric", "role", "direction", "unit", "n", *ARMS, *JUDGED),
        [
            {
                "metric": row.metric,
                "role": row.role,
                "direction": row.direction,
                "unit": unit_of(row.kind, row.unit),
                "n": row.n,
                **arms(row.baseline, row.candidate, row.delta),
                "decided_by": row.decided_by,
                "p": row.tests.get(row.decided_by, {}).get("p_value"),
                "p_worse_holm": row.p_adjusted,
                "margin": row.margin,
                "outcome": row.outcome,
                "note": row.explanation,
            }
            for row in comparisons
        ],
        brief=("metric", "role", "n", "baseline", "candidate", *BRIEF, "margin", "outcome"),
    )


def arms(baseline: dict[str, Any], candidate: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    return limits("baseline", baseline) | limits("candidate", candidate) | limits("difference", delta)


def slices(experiment: Experiment, found: dict[str, Any]) -> Table:
    row = found["row"]
    return Table(
        f"{experiment}-{row.metric}-by-tag",
        ("metric", "tag", "n", *ARMS, "p_adjusted", "stands_out"),
        [
            {
                "metric": row.metric,
                "tag": part["tag"],
                "n": part["n"],
                **arms(part["baseline"], part["candidate"], part["delta"]),
                "p_adjusted": part["p_adjusted"],
                "stands_out": part["stands_out"] or "no",
            }
            for part in found["parts"]
        ],
        brief=("tag", "n", "baseline", "candidate", *BRIEF, "stands_out"),
    )


def people(experiment: Experiment, found: HumanEvaluation, spoken: Spoken) -> Table:
    outcome, sentence = spoken.judged
    facts = {"judgments": spoken.evidence.body["judgments"], "items": spoken.evidence.body["items"]}
    return Table(
        f"{experiment}-people",
        ("measure", *with_limits("value"), "needed", "judgments", "items", "says", "note"),
        [
            {"measure": "win rate of the candidate", **limits("value", spoken.win_rate.as_json()), **facts},
            {
                "measure": "net preference for the candidate",
                **limits("value", spoken.net_preference.as_json()),
                "needed": -found.rule.margin,
                "says": outcome,
                "note": sentence,
                **facts,
            },
            {
                "measure": found.coefficient,
                **limits("value", spoken.agreement.as_json()),
                "needed": found.rule.floor,
                "says": spoken.usable,
                "note": spoken.effect,
                **facts,
            },
        ],
        brief=("measure", *with_limits("value"), "needed", "says"),
    )


def latency(experiment: Experiment, found: Distribution) -> Table:
    return Table(
        f"{experiment}-latency",
        ("quantile", "unit", *with_limits(*found.values)),
        [
            {"quantile": name, "unit": "ms"}
            | {
                column: value
                for arm, each in zip(found.values, statistics, strict=True)
                for column, value in limits(arm, each.as_json()).items()
            }
            for name, statistics in found.quantiles
        ],
    )


def trend(component: Component, metric: str, steps: Sequence[Step]) -> Table:
    return Table(
        f"{component.name}-{metric}",
        (
            "experiment", "submitted_at", "candidate_version", "baseline_version", "dataset", "n", *ARMS,
            "outcome", "since_the_one_before",
        ),
        [
            {
                "experiment": str(step.experiment),
                "submitted_at": step.experiment.submitted_at.isoformat(),
                "candidate_version": step.experiment.candidate.version,
                "baseline_version": step.experiment.baseline.version,
                "dataset": str(step.experiment.dataset_version),
                "n": step.comparison.n,
                **arms(step.comparison.baseline, step.comparison.candidate, step.comparison.delta),
                "outcome": step.comparison.outcome,
                "since_the_one_before": "; ".join(map(str, step.events)),
            }
            for step in steps
        ],
        brief=("experiment", "candidate_version", "candidate", *BRIEF, "outcome", "since_the_one_before"),
    )  # fmt: skip


def matrix(component: Component, reference: Run, runs: Sequence[Run], rows: Sequence[Row]) -> Table:
    return Table(
        f"{component.name}-comparison",
        ("metric", "unit", "run", "version", "n", *with_limits("value", "difference"), *JUDGED),
        [record(*line) for line in lines(reference, runs, rows)],
        brief=("metric", "version", "value", *BRIEF, "p", "outcome"),
    )


def lines(reference: Run, runs: Sequence[Run], rows: Sequence[Row]) -> Iterator[tuple[Row, Run, Cell]]:
    for row in rows:
        yield row, reference, row.reference
        yield from ((row, run, cell) for run, cell in zip(runs, row.cells, strict=True))


def record(row: Row, run: Run, cell: Cell) -> dict[str, Any]:
    judged = cell.judged
    body = {
        "metric": row.metric.name,
        "unit": unit_of(row.metric.kind, row.metric.unit),
        "run": name_of(run),
        "version": run.version.version,
        "margin": row.rule.margin,
        "note": cell.reason if not judged else judged.explanation,
        **own(cell.value),
    }
    if judged is None:
        return body
    decided = judged.compared.tests.get(judged.compared.decided_by)
    return body | limits("difference", judged.compared.delta.as_json()) | {
        "n": judged.compared.n,
        "decided_by": judged.compared.decided_by,
        "p": getattr(decided, "p_value", None),
        "p_worse_holm": judged.p_adjusted,
        "outcome": judged.outcome,
    }  # fmt: skip


def own(statistic: Statistic) -> dict[str, Any]:
    if not isinstance(statistic, Estimate):
        return {}
    return {"n": statistic.n} | limits("value", statistic.as_json())


def parallel(
    component: Component, row: Row, runs: Sequence[Run], found: Sequence[tuple[str, Spread]]
) -> Table:
    """The values of the examples that differ, not their texts."""
    names = [name_of(run) for run in runs]
    return Table(
        f"{component.name}-{row.metric.name}-examples",
        ("example", "worse", "better", *names),
        [
            {"example": example, "worse": spread.worse, "better": spread.better}
            | dict(zip(names, spread.values, strict=True))
            for example, spread in found
        ],
    )


def plan(component: Component, answer: Answer) -> Table:
    return Table(
        f"{component.name}-plan",
        ("number", "name", "prompts", "shows", "power"),
        [
            {
                "number": size.n,
                "name": ", ".join(size.names),
                "prompts": size.prompts,
                "shows": size.shows,
                "power": size.power,
            }
            for size in answer.sizes
        ],
    )
