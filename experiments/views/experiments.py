"""Pages: experiments, and what can be done with one."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evaltrack import clock, tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.htmx import page
from experiments import extension, pausing, recomputation, submission
from experiments.lookup import experiment_named
from experiments.models import Experiment, ExperimentStatus, MetricOutcome, Tier
from experiments.views import findings

PAGE_SIZE = 25


@requires(Permission.VIEW_EXPERIMENTS)
def experiment_list(request: PageRequest) -> HttpResponse:
    search, status = request.GET.get("search", "").strip(), request.GET.get("status", "")
    outcome = request.GET.get("outcome", "")
    rows = Experiment.objects.visible_to(request.user).searched(search=search, status=status, outcome=outcome)
    found = Paginator(rows.with_names().order_by("-submitted_at", "-pk"), PAGE_SIZE)
    context = {
        "page": found.get_page(request.GET.get("page")),
        "search": search,
        "status": status,
        "statuses": ExperimentStatus.choices,
        "outcome": outcome,
        "outcomes": MetricOutcome.values,
    }
    return page(request, "experiments/list.html", context, fragment="experiments/_rows.html")


@requires(Permission.VIEW_EXPERIMENTS)
def experiment_detail(request: PageRequest, public_id: str) -> HttpResponse:
    """The page; htmx asks for the same address again while the experiment goes on."""
    experiment = experiment_named(public_id, seen_by=request.user)
    found = findings.of(request, experiment)
    return tables.asked(request, findings.offered(found)) or page(
        request, "experiments/detail.html", found, fragment="experiments/_findings.html"
    )


@require_POST
@requires(Permission.SUBMIT_EXPERIMENTS)
def experiment_cancel(request: PageRequest, public_id: str) -> HttpResponse:
    experiment = experiment_named(public_id, seen_by=request.user)
    submission.cancel(experiment, by=request.user, at=clock.now())
    messages.success(request, f"{experiment} is cancelled.")
    return redirect(experiment)


@require_POST
@requires(Permission.SUBMIT_EXPERIMENTS)
def experiment_pause(request: PageRequest, public_id: str) -> HttpResponse:
    experiment = experiment_named(public_id, seen_by=request.user)
    pausing.pause(experiment, by=request.user, at=clock.now())
    messages.success(request, f"{experiment} is paused: nothing more is asked until somebody resumes it.")
    return redirect(experiment)


@require_POST
@requires(Permission.SUBMIT_EXPERIMENTS)
def experiment_resume(request: PageRequest, public_id: str) -> HttpResponse:
    experiment = experiment_named(public_id, seen_by=request.user)
    pausing.resume(experiment, by=request.user, at=clock.now())
    messages.success(request, f"{experiment} goes on.")
    return redirect(experiment)


@require_POST
@requires(Permission.SUBMIT_EXPERIMENTS)
def experiment_rerun(request: PageRequest, public_id: str) -> HttpResponse:
    again = submission.rerun(
        experiment_named(public_id, seen_by=request.user), by=request.user, at=clock.now()
    )
    messages.success(request, f"{again} asks the same question again.")
    return redirect(again)


@require_POST
@requires(Permission.SUBMIT_EXPERIMENTS)
def experiment_extend(request: PageRequest, public_id: str) -> HttpResponse:
    larger = extension.extend(
        experiment_named(public_id, seen_by=request.user),
        tier=request.POST.get("tier", Tier.EXTENDED),
        by=request.user,
        at=clock.now(),
    )
    messages.success(request, f"{larger} asks the same question of more examples.")
    return redirect(larger)


@require_POST
@requires(Permission.VIEW_EXPERIMENTS)
def experiment_recompute(request: PageRequest, public_id: str) -> HttpResponse:
    """By POST because it costs time, though it changes nothing."""
    experiment = experiment_named(public_id, seen_by=request.user)
    return page(
        request,
        "experiments/recomputed.html",
        {"experiment": experiment, "found": recomputation.recompute(experiment)},
    )
