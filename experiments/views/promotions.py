"""Pages: request a promotion, follow it, see what runs where. Deciding happens in the admin."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError
from evaltrack.htmx import page
from experiments import policies, promotion
from experiments.lookup import experiment_named, promotion_named
from experiments.models import Deployment, Experiment, PromotionRequest
from experiments.querysets import owned_or_all
from experiments.views.experiments import PAGE_SIZE


@requires(Permission.VIEW_PROMOTIONS)
def promotion_list(request: PageRequest) -> HttpResponse:
    rows = PromotionRequest.objects.visible_to(request.user).with_names().order_by("-requested_at", "-pk")
    running = (
        Deployment.objects.filter(owned_or_all(request.user, "component__owner"), ended_at=None)
        .select_related("component", "version", "promotion__experiment")
        .order_by("component__name", "environment")
    )
    context = {"page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")), "running": running}
    return page(request, "experiments/promotions.html", context)


@requires(Permission.VIEW_PROMOTIONS)
def promotion_detail(request: PageRequest, public_id: str) -> HttpResponse:
    row = promotion_named(public_id, seen_by=request.user)
    may_decide = request.user.can(Permission.DECIDE_PROMOTION)
    may_withdraw = row.status == "open" and policies.withdrawing(request.user, row) is None
    context = {"promotion": row, "may_decide": may_decide, "may_withdraw": may_withdraw}
    return page(request, "experiments/promotion.html", context)


@require_POST
@requires(Permission.REQUEST_PROMOTION)
def promotion_request(request: PageRequest) -> HttpResponse:
    """The form on an experiment's page; `experiment` names what justifies the promotion."""
    named = request.POST.get("experiment", "").replace("\x00", "").strip()
    experiment: Experiment | None = experiment_named(named, seen_by=request.user) if named else None
    try:
        row = promotion.request(
            experiment,
            environment=request.POST.get("environment", ""),
            reason=request.POST.get("reason", ""),
            by=request.user,
            at=clock.now(),
        )
    except ExpectedError as error:
        if experiment is None:
            raise
        messages.error(request, error.reason)
        return redirect(experiment)
    messages.success(request, f"Requested as {row}. The approvers were told.")
    return redirect(row)


@require_POST
@requires(Permission.REQUEST_PROMOTION)
def promotion_withdraw(request: PageRequest, public_id: str) -> HttpResponse:
    row = promotion_named(public_id, seen_by=request.user)
    promotion.withdraw(row.pk, by=request.user, at=clock.now())
    messages.success(request, f"{row} is withdrawn.")
    return redirect(row)
