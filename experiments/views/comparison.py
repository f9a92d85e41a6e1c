"""Page: several runs of a component side by side, as a table of all metrics, one metric in full, and examples."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

import datasets.policies
from evaltrack import clock, tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound, refuse_if
from evaltrack.htmx import page
from evaltrack.templatetags.intervals import shared_scale
from experiments import gates, multirun, parallel, saved, suite
from experiments.lookup import component_named
from experiments.models import Component, Run
from experiments.multirun import Row, name_of
from experiments.stopping import StopRule
from experiments.views import exports

PAGE_SIZE = 5
TO_CHOOSE_FROM = 100


@requires(Permission.VIEW_EXPERIMENTS)
def component_compare(request: PageRequest, name: str) -> HttpResponse:
    """`?run=…&run=…&reference=…&metric=…`: an address to pass on. `&format=csv` or `markdown` is a table alone."""
    component = component_named(name, seen_by=request.user)
    asked = request.GET.getlist("run")
    runs = multirun.named(component, [*request.GET.getlist("reference")[:1], *asked])
    context: dict[str, Any] = {"component": component, "choices": choices(component, runs)}
    if len(runs) < 2:
        return page(request, "experiments/compare.html", context | {"runs": runs})
    reference, others = runs[0], runs[1:]
    refused = multirun.refusals(reference, others)
    comparable = [run for run in others if run not in refused]
    policy = policy_of(component, reference)
    rows = multirun.compared(reference, comparable, policy)
    row = chosen(rows, request.GET.get("metric"))
    taken = tables.asked(
        request,
        {
            "matrix": lambda: exports.matrix(component, reference, comparable, rows),
            "lines": lambda: exports.matrix(component, reference, comparable, [row]),
            "examples": lambda: differing_examples(request, component, row, [reference, *comparable]),
        },
    )
    if taken:
        return taken
    context |= {
        "runs": runs,
        "reference": reference,
        "comparable": comparable,
        "refused": refused,
        "rows": rows,
        "row": row,
        "confidence": StopRule(suite.parse(policy.body).alpha).confidence_in_words,
        "reference_value": row.reference.value.as_json(),
        "lines": lines(row, comparable),
        "query": urlencode([("reference", name_of(reference)), *(("run", name_of(run)) for run in others)]),
    }
    if comparable:
        context |= examples(request, row, [reference, *comparable])
    return page(request, "experiments/compare.html", context)


def policy_of(component: Component, reference: Run) -> Any:
    """The margins of the component's policy; without one, those by which the reference was judged."""
    return component.policy or reference.experiment.policy


def choices(component: Component, chosen: list[Run]) -> list[Run]:
    """The newest scored runs that may be added."""
    rows = Run.objects.of_arms().filter(experiment__component=component, finished_at__isnull=False)
    rows = rows.exclude(pk__in=[run.pk for run in chosen]).select_related("version", "experiment")
    return list(rows.order_by("-experiment__submitted_at", "-experiment__pk", "arm")[:TO_CHOOSE_FROM])


def chosen(rows: tuple[Row, ...], metric: str | None) -> Row:
    if metric is None:
        return rows[0]
    found = next((row for row in rows if row.metric.name == metric), None)
    if found is None:
        raise NotFound("no_such_metric", f"The reference has no metric {metric!r}.")
    return found


def lines(row: Row, runs: list[Run]) -> list[dict[str, Any]]:
    """One metric in full: a line per run, all pictures on one axis."""
    judged = [cell.judged for cell in row.cells if cell.judged]
    scale = shared_scale([each.compared.delta.as_json() for each in judged], [row.rule.margin])
    return [
        {
            "run": run,
            "cell": cell,
            "scale": scale,
            "value": cell.value.as_json(),
            "delta": cell.judged and cell.judged.compared.delta.as_json(),
            "word": cell.judged
            and gates.word(
                cell.judged.outcome, cell.judged.compared.delta, row.rule.margin, row.metric.direction
            ),
            "newcombe": cell.newcombe and cell.newcombe.as_json(),
            "tests": {name: test.as_json() for name, test in cell.judged.compared.tests.items()}
            if cell.judged
            else {},
            "decided_by": cell.judged and cell.judged.compared.decided_by,
        }
        for run, cell in zip(runs, row.cells, strict=True)
    ]


def examples(request: PageRequest, row: Row, runs: list[Run]) -> dict[str, Any]:
    if refusal := datasets.policies.seeing_examples(request.user, runs[0].experiment.dataset_version):
        return {"sealed": refusal.reason}
    found = Paginator(parallel.differing(row.metric, runs), PAGE_SIZE)
    shown = found.get_page(request.GET.get("page"))
    reads = request.user.can(Permission.READ_EXAMPLES)
    return {
        "page": shown,
        "examples": parallel.shown(runs, list(shown), reads_examples=reads),
        "reads_examples": reads,
    }


def differing_examples(request: PageRequest, component: Component, row: Row, runs: list[Run]) -> tables.Table:
    refuse_if(datasets.policies.seeing_examples(request.user, runs[0].experiment.dataset_version))
    found = parallel.differing(row.metric, runs) if runs[1:] else []
    return exports.parallel(component, row, runs, parallel.identified(runs[0], found))


@require_POST
@requires(Permission.VIEW_EXPERIMENTS)
def comparison_save(request: PageRequest, name: str) -> HttpResponse:
    component = component_named(name, seen_by=request.user)
    asked = QueryDict(request.POST.get("query", ""))
    row = saved.save(
        component,
        name=request.POST.get("name", ""),
        reference=asked.get("reference", ""),
        runs=asked.getlist("run"),
        metric=request.POST.get("metric", ""),
        by=request.user,
        at=clock.now(),
    )
    messages.success(request, f"Saved as {row}. Whoever sees {component} finds it on its page.")
    return redirect(row)


@require_POST
@requires(Permission.VIEW_EXPERIMENTS)
def comparison_forget(request: PageRequest, name: str) -> HttpResponse:
    component = component_named(name, seen_by=request.user)
    gone = saved.forget(component, request.POST.get("saved", ""), by=request.user)
    messages.success(request, f"{gone} is no longer saved. The runs stay.")
    return redirect(component)
