"""What an experiment's page shows of it, and which of its tables can be taken along."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import Min

import datasets.policies
from evaltrack import clock, tables
from evaltrack.accounts.access import PageRequest
from evaltrack.accounts.roles import Permission
from evaltrack.templatetags import cumulative
from experiments import confusion, human, latency, policies, pricing, progress, reused, stopping
from experiments.judging import shown as judges
from experiments.models import Environment, Experiment
from experiments.uploading import waiting
from experiments.views import exports, measured
from experiments.views.looks import looks_at

ATTEMPTS = 10


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


def of(request: PageRequest, experiment: Experiment) -> dict[str, Any]:
    comparisons = measured.with_scales(experiment.comparisons.select_related("slices"))
    measured.with_gaps(comparisons)
    measured.with_givers(comparisons)
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
        "worst": None if sealed else measured.most_telling(comparisons),
        "slices": None if sealed else measured.sliced(comparisons, request.GET.get("slices")),
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
