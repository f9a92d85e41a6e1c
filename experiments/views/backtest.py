"""Page: what a policy would have said about experiments that are over."""

import json
from typing import Any

from django.http import HttpResponse

from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Invalid
from evaltrack.htmx import page
from experiments import backtest, suite
from experiments.lookup import component_named
from experiments.models import MetricOutcome

LONGEST = 50_000


@requires(Permission.SUBMIT_EXPERIMENTS)
def component_backtest(request: PageRequest, name: str) -> HttpResponse:
    """By POST because it costs time, though it changes nothing."""
    component = component_named(name, seen_by=request.user)
    body = component.policy.body if component.policy else {"metrics": [{"metric": "accuracy"}]}
    written = request.POST.get("suite", json.dumps(body, indent=2))
    context: dict[str, Any] = {"component": component, "written": written, "most": backtest.MOST}
    if request.method == "POST":
        try:
            found = backtest.backtest(component, suite.parse(read(written)))
        except Invalid as error:
            context |= {"error": error}
            return page(request, "experiments/backtest.html", context, status=400)
        moved, outcomes = backtest.moved(found), MetricOutcome.values
        context |= {
            "found": found,
            "changed": sum(each.changed for each in found),
            "outcomes": outcomes,
            "moved": [(was, [moved[was, now] for now in outcomes]) for was in outcomes],
        }
    return page(request, "experiments/backtest.html", context)


def read(written: str) -> Any:
    if len(written) > LONGEST:
        raise Invalid("suite_too_long", f"A policy takes up to {LONGEST} characters.")
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as error:
        raise Invalid("not_json", f"This is no JSON: {error}.") from None
