"""A comparison of several runs as a file: CSV for a spreadsheet, Markdown for a pull request."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from django.http import HttpResponse

from evaltrack.errors import NotFound
from evaltrack.stats.estimate import Estimate
from experiments.comparison import Statistic
from experiments.models import Component, Run
from experiments.multirun import Cell, Row, name_of

COLUMNS = [
    "metric", "unit", "run", "version", "n", "value", "value_low", "value_high",
    "difference", "difference_low", "difference_high", "decided_by", "p", "p_worse_holm", "margin", "outcome", "note",
]  # fmt: skip
# A spreadsheet takes text that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
MARKDOWN_COLUMNS = [
    "metric",
    "version",
    "value",
    "difference",
    "difference_low",
    "difference_high",
    "p",
    "outcome",
]


def download(
    form: str, component: Component, reference: Run, runs: Sequence[Run], rows: Sequence[Row]
) -> HttpResponse:
    writers = {"csv": (as_csv, "text/csv"), "markdown": (as_markdown, "text/markdown")}
    if form not in writers:
        raise NotFound(
            "no_such_format", f"A comparison is exported as {' or '.join(writers)}, not as {form!r}."
        )
    write, content_type = writers[form]
    suffix = "csv" if form == "csv" else "md"
    body = write([record(*line) for line in lines(reference, runs, rows)])
    headers = {"Content-Disposition": f'attachment; filename="{component.name}-comparison.{suffix}"'}
    return HttpResponse(body, content_type=f"{content_type}; charset=utf-8", headers=headers)


def lines(reference: Run, runs: Sequence[Run], rows: Sequence[Row]) -> Iterator[tuple[Row, Run, Cell]]:
    for row in rows:
        yield row, reference, row.reference
        yield from ((row, run, cell) for run, cell in zip(runs, row.cells, strict=True))


def record(row: Row, run: Run, cell: Cell) -> dict[str, Any]:
    judged = cell.judged
    body = {
        "metric": row.metric.name,
        "unit": "share" if row.metric.kind == "binary" else row.metric.unit,
        "run": name_of(run),
        "version": run.version.version,
        "margin": row.rule.margin,
        "note": cell.reason if not judged else judged.explanation,
        **limits("value", cell.value),
    }
    if judged is None:
        return body
    decided = judged.compared.tests.get(judged.compared.decided_by)
    return body | limits("difference", judged.compared.delta) | {
        "n": judged.compared.n,
        "decided_by": judged.compared.decided_by,
        "p": getattr(decided, "p_value", None),
        "p_worse_holm": judged.p_adjusted,
        "outcome": judged.outcome,
    }  # fmt: skip


def limits(name: str, statistic: Statistic) -> dict[str, Any]:
    if not isinstance(statistic, Estimate):
        return {}
    found = {name: statistic.value, f"{name}_low": statistic.ci_low, f"{name}_high": statistic.ci_high}
    return found | ({"n": statistic.n} if name == "value" else {})


def as_csv(records: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in each.items()} for each in records)
    return out.getvalue()


def harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_markdown(records: list[dict[str, Any]]) -> str:
    rule = ["---" if name in {"metric", "version", "outcome"} else "---:" for name in MARKDOWN_COLUMNS]
    table = [
        MARKDOWN_COLUMNS,
        rule,
        *([cell(each.get(name)) for name in MARKDOWN_COLUMNS] for each in records),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in table)


def cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
