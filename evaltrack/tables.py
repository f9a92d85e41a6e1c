"""A page's numbers to take along: as CSV for a spreadsheet, as Markdown for a pull request."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

from evaltrack.errors import NotFound

# A spreadsheet takes text that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# What Markdown would read as more than text, or as the end of a cell.
MARKUP = re.compile(r"([\\|<`*\[])")
NUMERIC = {int, float}


@dataclass(frozen=True)
class Table:
    """`name` names the file. A record leaves out what it does not have; Markdown has `brief` columns, or all."""

    name: str
    columns: tuple[str, ...]
    records: list[dict[str, Any]]
    brief: tuple[str, ...] = ()


def asked(request: HttpRequest, tables: Mapping[str, Callable[[], Table]]) -> HttpResponse | None:
    """The file that `?format=csv` or `markdown` asks for, of the table that `&table=` names, else of the first.

    None where the request asks for the page.
    """
    form = request.GET.get("format")
    if not form:
        return None
    writers = {"csv": (as_csv, "text/csv", "csv"), "markdown": (as_markdown, "text/markdown", "md")}
    if form not in writers:
        raise NotFound("no_such_format", f"Tables are given as {' or '.join(writers)}, not as {form!r}.")
    name = request.GET.get("table") or next(iter(tables), "")
    if name not in tables:
        raise NotFound("no_such_table", f"There is no table {name!r} on this page.")
    write, content_type, suffix = writers[form]
    table = tables[name]()
    headers = {"Content-Disposition": f'attachment; filename="{table.name}.{suffix}"'}
    return HttpResponse(write(table), content_type=f"{content_type}; charset=utf-8", headers=headers)


def as_csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, table.columns, restval="", lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in each.items()} for each in table.records)
    return out.getvalue()


def harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def as_markdown(table: Table) -> str:
    columns = table.brief or table.columns
    found = {name: {type(each.get(name)) for each in table.records} - {type(None)} for name in columns}
    rule = ["---:" if found[name] and found[name] <= NUMERIC else "---" for name in columns]
    lines = [columns, rule, *([cell(each.get(name)) for name in columns] for each in table.records)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else " ".join(MARKUP.sub(r"\\\1", str(value)).split())


def limits(name: str, statistic: Mapping[str, Any] | None) -> dict[str, Any]:
    """A statistic of the API in three columns; nothing where it is undefined."""
    if not statistic or "undefined" in statistic:
        return {}
    return {
        name: statistic["value"],
        f"{name}_low": statistic["ci_low"],
        f"{name}_high": statistic["ci_high"],
    }


def with_limits(*names: str) -> tuple[str, ...]:
    """The columns that `limits` fills."""
    return tuple(f"{name}{end}" for name in names for end in ("", "_low", "_high"))
