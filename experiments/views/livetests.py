"""Page: two versions on live traffic, what it shows, and its end."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evaltrack import clock, tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.htmx import page
from evaltrack.templatetags.intervals import shared_scale
from experiments import policies
from experiments.lookup import live_test_named
from experiments.metrics import REGISTRY
from experiments.production import effects, livetests
from experiments.views import production_exports as exports


@requires(Permission.VIEW_EXPERIMENTS)
def live_test_detail(request: PageRequest, public_id: str) -> HttpResponse:
    test = live_test_named(public_id, seen_by=request.user)
    found = effects.result(test)
    if taken := tables.asked(request, {"arms": lambda: exports.live(test, found)}):
        return taken
    context = {
        "test": test,
        "metric": REGISTRY[test.metric],
        "found": found,
        "scale": shared_scale([found["effect"], found["unadjusted"]], [test.margin]),
        "progress": round(100 * min(1, sum(found["units"].values()) / test.planned_units)),
        "may_end": test.ended_at is None
        and request.user.can(Permission.SUBMIT_EXPERIMENTS)
        and policies.changing(request.user, test.component) is None,
    }
    return page(request, "experiments/live_test.html", context)


@require_POST
@requires(Permission.SUBMIT_EXPERIMENTS)
def live_test_end(request: PageRequest, public_id: str) -> HttpResponse:
    test = live_test_named(public_id, seen_by=request.user)
    livetests.end(test.pk, reason=request.POST.get("reason", ""), by=request.user, at=clock.now())
    messages.success(request, f"{test} has ended.")
    return redirect(test)
