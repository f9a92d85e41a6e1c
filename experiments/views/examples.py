"""Pages: an experiment's examples, what got worse first, with what both arms said; and one of them, whole."""

from django.core.paginator import Paginator
from django.http import HttpResponse

import datasets.policies
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound, refuse_if
from evaltrack.htmx import page
from experiments import examples, exchanges
from experiments.examples import Group
from experiments.lookup import experiment_named

PAGE_SIZE = 10
FEW = 3  # on the page of the experiment, which asks for them by htmx


@requires(Permission.VIEW_EXPERIMENTS)
def experiment_examples(request: PageRequest, public_id: str) -> HttpResponse:
    """`?metric=…&group=worse`: an address to pass on; htmx asks for the first few alone."""
    experiment = experiment_named(public_id, seen_by=request.user)
    refuse_if(datasets.policies.seeing_examples(request.user, experiment.dataset_version))
    comparisons = list(experiment.comparisons.all())
    context = {"experiment": experiment, "comparisons": comparisons}
    if not comparisons:
        return page(request, "experiments/examples.html", context)
    asked = request.GET.get("metric", comparisons[0].metric)
    comparison = next((row for row in comparisons if row.metric == asked), None)
    if comparison is None:
        raise NotFound("no_such_metric", f"{experiment} has no metric {asked!r}.")
    group = request.GET.get("group", Group.WORSE)
    if group not in Group.values:
        raise NotFound("no_such_group", f"Examples are {', '.join(Group.values)}; not {group!r}.")
    changes = examples.of_comparison(comparison)
    size = FEW if getattr(request, "htmx", False) else PAGE_SIZE
    found = Paginator([each for each in changes if each.group == group], size)
    rows = found.get_page(request.GET.get("page"))
    reads_examples = request.user.can(Permission.READ_EXAMPLES)
    context |= {
        "comparison": comparison,
        "group": Group(group),
        "groups": [(each, count) for each, count in examples.counts(changes).items()],
        "page": rows,
        "rows": examples.shown(
            experiment,
            list(rows),
            reads_examples=reads_examples,
            why_not=examples.gaps_of(comparison),
            metric=comparison.metric,
        ),
        "reads_examples": reads_examples,
    }
    return page(request, "experiments/examples.html", context, fragment="experiments/_worst_examples.html")


@requires(Permission.VIEW_EXPERIMENTS)
def experiment_example(request: PageRequest, public_id: str) -> HttpResponse:
    """`?id=…`, as it may hold what no address can."""
    experiment = experiment_named(public_id, seen_by=request.user)
    refuse_if(datasets.policies.seeing_examples(request.user, experiment.dataset_version))
    reads_examples = request.user.can(Permission.READ_EXAMPLES)
    whole = exchanges.of_example(experiment, request.GET.get("id", ""), reads_examples=reads_examples)
    context = {"experiment": experiment, "whole": whole, "reads_examples": reads_examples}
    return page(request, "experiments/example.html", context)
