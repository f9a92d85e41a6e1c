"""Pages: experiments, and what one of them found."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Min
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

import datasets.policies
from evaltrack import clock, tables
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page
from evaltrack.stats.estimate import from_json
from evaltrack.templatetags import cumulative
from evaltrack.templatetags.intervals import shared_scale
from experiments import (
    confusion,
    extension,
    gaps,
    gates,
    human,
    latency,
    pausing,
    policies,
    pricing,
    progress,
    recomputation,
    reused,
    stopping,
    submission,
)
from experiments.judging import shown as judges
from experiments.lookup import experiment_named
from experiments.metrics import REGISTRY
from experiments.metrics.base import Direction
from experiments.models import (
    Arm,
    Comparison,
    Environment,
    Experiment,
    ExperimentStatus,
    GivenValue,
    MetricOutcome,
    MetricResult,
    Role,
    Tier,
)
from experiments.uploading import waiting
from experiments.views import exports
from experiments.views.looks import looks_at

PAGE_SIZE = 25
ATTEMPTS = 10
# The false discovery rate up to which a slice is said to stand out.
EXPLORATORY_LEVEL = 0.05


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
    found = findings(request, experiment)
    return tables.asked(request, offered(found)) or page(
        request, "experiments/detail.html", found, fragment="experiments/_findings.html"
    )


def offered(found: dict[str, Any]) -> dict[str, Callable[[], tables.Table]]:
    """The tables of the page that there are, to take along."""
    experiment, people = found["experiment"], found["people"]
    return {
        name: write
        for name, there, write in (
            ("forest", found["comparisons"], lambda: exports.forest(experiment, found["comparisons"])),
            ("slices", found["slices"], lambda: exports.slices(experiment, found["slices"])),
            ("latency", found["latency"], lambda: exports.latency(experiment, found["latency"])),
            (
                "people",
                people and people.spoken,
                lambda: exports.people(experiment, people, people.spoken),
            ),
        )
        if there
    }


def findings(request: PageRequest, experiment: Experiment) -> dict[str, Any]:
    comparisons = with_scales(experiment.comparisons.select_related("slices"))
    with_gaps(comparisons)
    with_givers(comparisons)
    judged_by = judges.of(experiment)
    for comparison in comparisons:
        comparison.judge = judged_by.get(comparison.metric)  # type: ignore[attr-defined]
    verdicts = list(experiment.verdicts.all())
    verdict = verdicts[0] if verdicts else None
    plan = getattr(experiment, "plan", None)
    took = latency.of(experiment)
    runs = list(
        experiment.runs.of_arms()
        .select_related("version", "endpoint", "brought_by")
        .prefetch_related("batches")
        .order_by("arm")
    )
    sealed = datasets.policies.seeing_examples(request.user, experiment.dataset_version) is not None
    return {
        "experiment": experiment,
        "plan": plan,
        "confidence": stopping.of_plan(plan.body).confidence_in_words if plan else "",
        "progress": progress.of(experiment, at=clock.now()),
        "cost": pricing.cost_of(experiment),
        "expected_cost": pricing.expected(experiment) if experiment.finished_at is None else None,
        "first_output": first_answer(experiment),
        "in_progress": experiment.status in {"queued", "running", "waiting"},
        "comparisons": comparisons,
        "sealed": sealed,
        "worst": None if sealed else most_telling(comparisons),
        "slices": None if sealed else sliced(comparisons, request.GET.get("slices")),
        "confusions": confusion.of(experiment),
        "latency": took,
        "latency_picture": cumulative.plot(took.values) if took else "",
        "latency_reach": cumulative.reach(took.values) if took else None,
        "looks": looks_at(experiment, verdict),
        "people": human.of(experiment, at=clock.now()),
        "verdict": verdict,
        "earlier_verdicts": verdicts[1:],
        "runs": runs,
        "reused": reused.of(experiment, runs),
        "judges": list(judged_by.items()),
        **still_awaited(experiment),
        "campaigns": list(experiment.campaigns.all()),
        "attempts": other_attempts(experiment),
        "promotions": list(experiment.promotions.select_related("version", "requested_by", "closed_by")),
        "promotable": [
            {
                "environment": environment,
                "label": Environment(environment).label,
                "refusal": policies.requesting(
                    request.user, experiment, environment, verdict, at=clock.now()
                ),
            }
            for environment in Environment.values
            if request.user.can(Permission.REQUEST_PROMOTION)
        ],
        "may_cancel": request.user.can(Permission.SUBMIT_EXPERIMENTS)
        and policies.changing(request.user, experiment.component) is None,
    }


def still_awaited(experiment: Experiment) -> dict[str, Any]:
    """The runs whose outputs somebody has yet to bring, and whether the experiment waits for nothing else."""
    if experiment.status not in {"queued", "running", "waiting"}:
        return {}
    awaited = waiting.awaited(experiment)
    return {
        "awaited": awaited,
        "only_awaited": awaited and experiment.outputs.asked_for().are_done(),
        "site_url": settings.SITE_URL.rstrip("/"),
    }


def first_answer(experiment: Experiment) -> dt.datetime | None:
    """When the first answer came that was not kept from an earlier look."""
    plan = getattr(experiment, "plan", None)
    own = experiment.outputs.filter(finished_at__gte=plan.locked_at) if plan else experiment.outputs.none()
    return own.aggregate(first=Min("finished_at"))["first"]


def other_attempts(experiment: Experiment) -> list[Experiment]:
    """The newest of those that asked something of the same component on the same dataset version."""
    rows = Experiment.objects.filter(
        component=experiment.component, dataset_version=experiment.dataset_version
    ).exclude(attempt=experiment.attempt)
    return list(rows.with_names().order_by("-attempt", "-pk")[:ATTEMPTS])


def with_scales(rows: Iterable[Comparison]) -> list[Comparison]:
    """Comparisons, each with its word and the axis of its picture. Metrics of one kind and unit share an axis."""
    comparisons = list(rows)
    for row in comparisons:
        metric = REGISTRY.get(row.metric)
        row.can_be_planned = metric is not None and metric.is_mean  # type: ignore[attr-defined]
        row.word = gates.word(row.outcome, from_json(row.delta), row.margin, row.direction)  # type: ignore[attr-defined]
        alike = [other for other in comparisons if (other.kind, other.unit) == (row.kind, row.unit)]
        row.scale = shared_scale(  # type: ignore[attr-defined]
            [other.delta for other in alike], [other.margin for other in alike]
        )
    return comparisons


def with_gaps(comparisons: list[Comparison]) -> None:
    """Gives each the sentences about examples without a value, by arm; of all arms one where they say the same."""
    if not comparisons:
        return
    rows = MetricResult.objects.filter(run__experiment=comparisons[0].experiment_id)
    words: dict[str, list[tuple[str, str]]] = {}
    found = (
        rows.exclude(undefined=None)
        .order_by("run__arm")
        .select_related("run")
        .only("metric", "undefined", "run__arm", "run__experiment")
    )
    asked = comparisons[0].experiment.plan.body["examples"]
    for row in found:
        if sentence := gaps.in_words(row.undefined, asked):
            words.setdefault(row.metric, []).append((row.run.arm, sentence))
    for comparison in comparisons:
        said = words.get(comparison.metric, [])
        alike = len(said) == len(Arm) and said[0][1] == said[1][1]
        comparison.gaps = [("both arms", said[0][1])] if alike else said  # type: ignore[attr-defined]


def with_givers(comparisons: list[Comparison]) -> None:
    """Gives each what said its values, as it called itself, where that was not evaltrack."""
    names = [row.metric for row in comparisons if getattr(REGISTRY.get(row.metric), "scorer", "")]
    found: dict[str, list[str]] = {}
    if names:
        given = GivenValue.objects.filter(
            output__experiment=comparisons[0].experiment_id, metric__in=names
        ).exclude(versions="")
        for metric, versions in given.order_by().values_list("metric", "versions").distinct():
            found.setdefault(metric, []).append(versions)
    for row in comparisons:
        row.givers = sorted(found.get(row.metric, []))  # type: ignore[attr-defined]
        row.is_given = row.metric in names  # type: ignore[attr-defined]


def most_telling(comparisons: list[Comparison]) -> Comparison | None:
    """The metric whose losses are shown: a gating one, and of these the first that failed."""
    gating = [row for row in comparisons if row.role == Role.GATING]
    return next((row for row in gating if row.outcome == MetricOutcome.FAIL), next(iter(gating), None))


def sliced(comparisons: list[Comparison], metric: str | None) -> dict[str, Any] | None:
    """One metric by tag, the largest loss first; of the metrics that have slices, the first unless one is named."""
    having = {row.metric: row for row in comparisons if hasattr(row, "slices")}
    if not having:
        return None
    row = having.get(metric or next(iter(having)))
    if row is None:
        raise NotFound("no_such_metric", f"There are no slices of {metric!r}.")
    sign = 1 if row.direction == Direction.HIGHER else -1
    parts = sorted(row.slices.parts, key=lambda part: sign * part["delta"].get("value", float("inf")))
    for part in parts:
        sure = part["p_adjusted"] is not None and part["p_adjusted"] < EXPLORATORY_LEVEL
        part["stands_out"] = sure and ("better" if sign * part["delta"]["value"] > 0 else "worse")
    return {
        "row": row,
        "metrics": list(having),
        "parts": parts,
        "scale": shared_scale([part["delta"] for part in parts], [row.margin]),
    }


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
