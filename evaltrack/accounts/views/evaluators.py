"""Pages of the lead: who judges, by pseudonym; their skills, languages and limits."""

import datetime as dt
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evaltrack import clock
from evaltrack.accounts import profiles, roster, skills
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.models import User
from evaltrack.accounts.profiles import Limit
from evaltrack.accounts.roles import Permission
from evaltrack.accounts.views.profile import whole_number
from evaltrack.errors import ExpectedError
from evaltrack.htmx import page

PAGE_SIZE = 50


@requires(Permission.MANAGE_CAMPAIGNS)
def evaluator_list(request: PageRequest) -> HttpResponse:
    search = request.GET.get("search", "").strip()
    found = Paginator(roster.evaluators().filter(pseudonym__icontains=search), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    context = {
        "page": found,
        "evaluators": [roster.described(user) for user in found],
        "search": search,
        "skills": skills.grantable(),
    }
    return page(request, "accounts/evaluators.html", context)


@requires(Permission.MANAGE_CAMPAIGNS)
def evaluator_detail(request: PageRequest, pseudonym: str) -> HttpResponse:
    evaluator = roster.described(roster.evaluator_named(pseudonym))
    has = [each["skill"] for each in evaluator["skills"]]
    context = {
        "evaluator": evaluator,
        "grantable": [(slug, label) for slug, label in skills.grantable() if slug not in has],
    }
    return page(request, "accounts/evaluator.html", context)


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def skill_create(request: PageRequest) -> HttpResponse:
    return told(
        request,
        lambda at: skills.create(
            slug=request.POST.get("slug", ""), label=request.POST.get("label", ""), by=request.user, at=at
        ),
        "The skill is there. Grant it on an evaluator's page, and ask for it when you open a campaign.",
        "evaluators",
    )


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def skill_grant(request: PageRequest, pseudonym: str) -> HttpResponse:
    def act(evaluator: User, at: dt.datetime) -> None:
        skills.grant(evaluator, skills.named(request.POST.get("skill", "")), by=request.user, at=at)

    return told_of(request, pseudonym, act, "The skill is granted.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def skill_revoke(request: PageRequest, pseudonym: str) -> HttpResponse:
    def act(evaluator: User, at: dt.datetime) -> None:
        skills.revoke(evaluator, skills.named(request.POST.get("skill", "")), by=request.user, at=at)

    return told_of(request, pseudonym, act, "The skill is revoked, from their next task on.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def limit_set(request: PageRequest, pseudonym: str) -> HttpResponse:
    limit = Limit(
        *(whole_number(request.POST.get(name, "")) for name in ("judgments_per_day", "minutes_per_day"))
    )

    def act(evaluator: User, at: dt.datetime) -> None:
        profiles.set_limit(evaluator, limit, by=request.user, at=at)

    return told_of(request, pseudonym, act, "The limit is set, from their next task on.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def language_confirm(request: PageRequest, pseudonym: str) -> HttpResponse:
    def act(evaluator: User, at: dt.datetime) -> None:
        profiles.confirm_language(evaluator, request.POST.get("language", ""), by=request.user, at=at)

    return told_of(request, pseudonym, act, "The language is confirmed.")


def told_of(
    request: PageRequest, pseudonym: str, act: Callable[[User, dt.datetime], None], done: str
) -> HttpResponse:
    """Act on an evaluator, and say on their page what came of it."""
    evaluator = roster.evaluator_named(pseudonym)
    return told(request, lambda at: act(evaluator, at), done, "evaluator", pseudonym)


def told(
    request: PageRequest, act: Callable[[dt.datetime], Any], done: str, back: str, *where: str
) -> HttpResponse:
    """Act, and say what came of it on the page that the form stood on."""
    try:
        act(clock.now())
        messages.success(request, done)
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect(back, *where)
