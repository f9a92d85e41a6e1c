"""Pages of the lead: set up a campaign from a file, from nothing, or for an experiment that waits for people."""

import uuid
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST

from annotation import opening, overlap, prospects, setups
from annotation.api.campaigns import CampaignIn
from annotation.formats import task_files
from annotation.models import Campaign, Priority, Protocol, Setup, SlaPolicy
from annotation.protocols import rules_of
from annotation.views import setup_form
from evaltrack import clock
from evaltrack.accounts import skills
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError, Invalid, NotFound
from evaltrack.htmx import page
from evaltrack.http_errors import by_field
from experiments.lookup import experiment_named
from experiments.models import Experiment

MOST_WAITING = 50
MOST_RATE = Decimal(100_000)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_CAMPAIGNS)
def begin(request: PageRequest) -> HttpResponse:
    """What is judged: the answers of an experiment, the items of a file, or items that come by API."""
    protocol = request.POST.get("protocol", Protocol.PAIRWISE)
    problem: ExpectedError | None = None
    if request.method == "POST":
        try:
            setup = setups.begin(
                protocol=known_protocol(protocol),
                by=request.user,
                at=clock.now(),
                **file_of(request, needed=request.POST.get("items") == "file"),
            )
            return redirect("setup", setup.public_id)
        except ExpectedError as error:
            problem = error
    context = {
        "protocols": Protocol.choices,
        "protocol": protocol,
        "items": request.POST.get("items", "file"),
        "problem": problem,
        "lines": problem.extra.get("errors", []) if problem else [],
        "most_mb": task_files.MOST_BYTES // 1024 // 1024,
        "waiting": waiting(request),
        "unfinished": setups.unfinished(request.user),
    }
    return page(request, "annotation/setup_begin.html", context, status=422 if problem else 200)


def waiting(request: PageRequest) -> list[Experiment]:
    """Experiments that wait for people, and that no campaign serves yet."""
    served = Campaign.objects.filter(is_simulated=False, experiment__isnull=False).values("experiment")
    found = Experiment.objects.visible_to(request.user).without_judges().exclude(pk__in=served)
    return list(found.with_names().order_by("submitted_at")[:MOST_WAITING])


def known_protocol(name: str) -> str:
    if name not in Protocol.values:
        raise Invalid("no_such_protocol", "Choose how people judge.", {"protocol": ["is not known"]})
    return name


def file_of(request: PageRequest, *, needed: bool) -> dict[str, Any]:
    """The uploaded file as the act takes it; nothing where there is none."""
    file = request.FILES.get("file") if needed else None
    if file is None:
        if needed:
            raise Invalid("no_file", "Choose a file of items first.", {"file": ["Choose a file first."]})
        return {}
    # One byte more than is taken is enough to be refused.
    return {"file": file.read(task_files.MOST_BYTES + 1), "name": file.name or "items"}


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def for_experiment(request: PageRequest, public_id: str) -> HttpResponse:
    """Open at once what a worker would open within a minute."""
    experiment = experiment_named(public_id, seen_by=request.user)
    try:
        opening.open_campaign(experiment, by=request.user, at=clock.now())
    except ExpectedError as error:
        messages.error(request, error.reason)
        return redirect("setup-begin")
    campaign = Campaign.objects.get(experiment=experiment, is_simulated=False)
    messages.success(request, "The campaign is open.")
    return redirect("campaign", campaign.public_id)


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_CAMPAIGNS)
def describe(request: PageRequest, setup_id: uuid.UUID) -> HttpResponse:
    """Rubric, overlap, who judges, until when."""
    setup = setups.named(setup_id, by=request.user)
    if setup.campaign_id:
        return opened_before(request, setup)
    given = setup_form.fields_of(setup)
    problem: ExpectedError | None = None
    fields: dict[str, list[str]] = {}
    if request.method == "POST":
        given = setup_form.typed(request.POST)
        if "fill" in request.POST:
            rubric = setup_form.whole_rubric(request.POST.get("start_from", ""), setup.protocol)
            given |= setup_form.rubric_fields(rubric)
        else:
            try:
                if request.FILES.get("file"):
                    setups.replace_file(setup.pk, by=request.user, **file_of(request, needed=True))
                body = shaped(setup_form.body_of(given, setup.protocol))
                setups.describe(setup.pk, body=body, by=request.user, at=clock.now())
                return redirect("setup-review", setup.public_id)
            except ExpectedError as error:
                problem = error
                fields = setup_form.problems_of(error.fields) if isinstance(error, Invalid) else {}
                setup.refresh_from_db()
    context = {
        "setup": setup,
        "given": given,
        "problem": problem,
        "lines": problem.extra.get("errors", []) if problem else [],
        "problems": {name: " ".join(sentences) for name, sentences in fields.items()},
        "listed": [
            (setup_form.FIELDS[name], name, " ".join(sentences)) for name, sentences in fields.items()
        ],
        "rubrics": setup_form.newest_rubrics(setup.protocol),
        "details": rules_of(setup.protocol).details,
        "most_overlap": overlap.MOST,
        "skills": [(slug, label) for slug, label in skills.grantable() if slug != skills.ADJUDICATION],
        "policies": sorted(set(SlaPolicy.objects.values_list("name", flat=True)) - {"built-in"}),
        "priorities": Priority.choices,
    }
    return page(request, "annotation/setup.html", context, status=422 if problem else 200)


def shaped(body: dict[str, Any]) -> dict[str, Any]:
    """The body, if the API would take its shape: numbers and times as it reads them, whatever was typed."""
    checked = CampaignIn(data=body)
    if not checked.is_valid():
        fields = by_field(checked.errors)
        raise Invalid("invalid", "Something here cannot be used yet.", fields)
    rule, due_at = checked.validated_data["overlap"], checked.validated_data["due_at"]
    return body | {
        "overlap": asdict(rule) if isinstance(rule, overlap.Adaptive) else rule,
        "due_at": due_at.isoformat() if due_at else None,
    }


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_CAMPAIGNS)
def review(request: PageRequest, setup_id: uuid.UUID) -> HttpResponse:
    """What it will take, and the button that opens it: the last chance, as a campaign is open at once."""
    setup = setups.named(setup_id, by=request.user)
    if setup.campaign_id:
        return opened_before(request, setup)
    if not setup.body:
        return redirect("setup", setup.public_id)
    if request.method == "POST":
        try:
            campaign = setups.open_campaign(
                setup.pk, seen=request.POST.get("seen", ""), by=request.user, at=clock.now()
            )
        except ExpectedError as error:
            messages.error(request, error.reason)
            return redirect("setup-review", setup.public_id)
        messages.success(request, "The campaign is open.")
        return redirect("campaign", campaign.public_id)
    asked = setups.asked_for(setup)
    prospect = prospects.of(setup, at=clock.now())
    rate, rate_problem = rate_of(request.GET.get("rate", ""))
    context = {
        "setup": setup,
        "asked": asked,
        "overlap": overlap.said(asked["overlap"]),
        "seen": setups.digest_of(setup),
        "prospect": prospect,
        "rate": request.GET.get("rate", ""),
        "rate_problem": rate_problem,
        "cost": prospect.cost(rate) if rate is not None else None,
        "skills": [label for slug, label in skills.grantable() if slug in asked["skills"]],
    }
    return page(request, "annotation/setup_review.html", context)


def rate_of(text: str) -> tuple[Decimal | None, str]:
    """What an hour costs, or why that cannot be read."""
    if not text.strip():
        return None, ""
    try:
        rate = Decimal(text.strip())
    except InvalidOperation:
        rate = Decimal("NaN")
    if rate.is_finite() and 0 <= rate <= MOST_RATE:
        return rate, ""
    return None, f"Write a number up to {MOST_RATE:,}, with a point before decimals, such as 21.50."


def opened_before(request: PageRequest, setup: Setup) -> HttpResponse:
    """A second click, or a page that was left open: to the campaign that the first one made."""
    if setup.campaign is None:
        raise NotFound("no_such_setup", "There is no such campaign that you are setting up.")
    messages.success(request, "The campaign is open.")
    return redirect("campaign", setup.campaign.public_id)


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def drop(request: PageRequest, setup_id: uuid.UUID) -> HttpResponse:
    setup = setups.named(setup_id, by=request.user)
    try:
        setups.drop(setup.pk, by=request.user)
        messages.success(request, "Dropped; nothing was opened.")
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect("setup-begin")
