"""The demo's printed result: what was really computed, as a table for a terminal."""

from typing import Any

from evaltrack.templatetags.evaltrack import number, signed
from experiments.models import Comparison, Experiment

HEADINGS = ("metric", "role", "baseline", "candidate", "difference (95 % interval)", "tests", "outcome")


def table(experiment: Experiment) -> str:
    """The comparison of an experiment, one metric a line, and the verdict with its reasons."""
    rows = [HEADINGS, *(row_of(comparison) for comparison in experiment.comparisons.all())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("─" * width for width in widths))
    title = (
        f"{experiment}: {experiment.component.name} {experiment.candidate.version} against "
        f"{experiment.baseline.version} on {experiment.dataset_version} ({experiment.tier}, "
        f"attempt {experiment.attempt})"
    )
    notes = [
        f"  * {comparison.metric}: {comparison.delta['ci_undefined']}"
        for comparison in experiment.comparisons.all()
        if comparison.delta.get("ci_undefined")
    ]
    return "\n".join([title, *(f"  {line}" for line in lines), *notes, *verdict(experiment)])


def row_of(row: Comparison) -> tuple[str, ...]:
    return (
        row.metric,
        row.role,
        arm(row.baseline, row.kind),
        arm(row.candidate, row.kind),
        difference(row.delta, row.kind),
        ", ".join(test(name, result) for name, result in row.tests.items()) or "–",
        row.outcome,
    )


def arm(statistic: dict[str, Any], kind: str) -> str:
    if "undefined" in statistic:
        return statistic["undefined"]
    return number(statistic["value"], kind)


def difference(delta: dict[str, Any], kind: str) -> str:
    if "undefined" in delta:
        return delta["undefined"]
    value = signed(delta["value"], kind)
    if delta["ci_low"] is None:
        return f"{value} (no interval *)"
    return f"{value} ({signed(delta['ci_low'], kind)} to {signed(delta['ci_high'], kind)})"


def test(name: str, result: dict[str, Any]) -> str:
    return f"{name} undefined" if "undefined" in result else f"{name} p={result['p_value']:.2g}"


def verdict(experiment: Experiment) -> list[str]:
    newest = experiment.verdicts.first()
    if newest is None:
        return [f"  {experiment.get_status_display()}: {experiment.reason}"]
    people = f" ({newest.people})" if experiment.needs_people else ""
    lines = [f"  automated part: {newest.automated}", f"  verdict: {newest}{people}"]
    return lines + [f"    – {reason}" for reason in newest.reasons]
