"""Pages of the lead: how well the evaluators of a campaign judge, what deserves a look, and where they disagree."""

import math
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from annotation import lookup, policies
from annotation.models import Campaign, PauseOutcome
from annotation.quality import behaviour, evaluators, pauses, signals
from evaltrack import clock
from evaltrack.accounts import roster
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError
from evaltrack.htmx import page

PAGE_SIZE = 50


@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_evaluators(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    found = evaluators.of(campaign, at=clock.now(), for_signals=True)
    shown = Paginator(found.evaluators, PAGE_SIZE).get_page(request.GET.get("page"))
    disagreement = found.disagreement_as_json()
    context = {
        "campaign": campaign,
        "quality": found,
        "page": shown,
        "rows": [described(each) for each in shown],
        "paused": [each for each in pauses.of(campaign) if each.is_in_force],
        "raised": sum(bool(each.signals) for each in found.evaluators),
        # A template cannot reach a key that every dictionary has a method for.
        "disagreement": disagreement | {"items_listed": disagreement["items"]},
        "origins": [
            (name, disagreement["origins"].get(key))
            for name, key in (("Evaluators", "raters"), ("Items", "items"), ("Rubric and data", "rubric"))
        ],
        **thresholds(),
    }
    return page(request, "annotation/campaign_evaluators.html", context)


@requires(Permission.MANAGE_CAMPAIGNS)
def campaign_evaluator(request: PageRequest, public_id: uuid.UUID, pseudonym: str) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    found = evaluators.of(campaign, at=clock.now())
    user = roster.judge_named(pseudonym)
    one = next((each for each in found.evaluators if each.user == user), None)
    rows = list(pauses.of(campaign).filter(evaluator=user))
    return page(
        request,
        "annotation/campaign_evaluator.html",
        {
            "campaign": campaign,
            "quality": found,
            "who": user.pseudonym,
            "row": one and described(one),
            "habits": habits(one) if one else [],
            "pauses": [(each, policies.answering_pause(request.user, each)) for each in rows],
            "is_paused": any(each.is_in_force for each in rows),
            "pausing": policies.pausing_evaluator(request.user, user),
            "outcomes": PauseOutcome.choices,
            **thresholds(),
        },
    )


def thresholds() -> dict[str, Any]:
    return {
        "most_read": evaluators.MOST_READ,
        "gold_threshold": signals.percent(behaviour.GOLD_THRESHOLD),
        "ability_threshold": signals.percent(behaviour.ABILITY_THRESHOLD),
        "raised_below": signals.percent(signals.RAISED),
        "pause_minutes": round(behaviour.PAUSE / 60),
    }


# How the score of each indication reads, in the order of the page.
HABITS: list[tuple[str, str, Callable[[float], str]]] = [
    ("pace", "Pace", lambda score: f"{score:+.1f} robust standard deviations from the median evaluator"),
    ("unread", "Too fast to read", lambda score: f"{signals.percent(score)} of answers"),
    ("runs", "Longest run", lambda score: f"{score:.0f} times the same answer"),
    ("variety", "Variety", lambda score: f"{score:.2f} bits"),
    ("ties", "Ties", lambda score: f"{100 * score:+.0f} points beside the others"),
    ("both_bad", "Both bad", lambda score: f"{100 * score:+.0f} points beside the others"),
    ("severity", "Severity", lambda score: f"{score:+.2f} points of the scale beside the others"),
    ("central_tendency", "Spread of ratings", lambda score: f"{score:.2f} times that of the others"),
    (
        "time_in_sitting",
        "Time in a sitting",
        lambda score: f"{100 * math.expm1(score):+.0f} % in the second half",
    ),
    (
        "agreement_in_sitting",
        "Agreement in a sitting",
        lambda score: f"{100 * score:+.0f} points in the second half",
    ),
]


def habits(each: evaluators.Evaluator) -> list[tuple[str, dict[str, Any], str]]:
    """Name, size and chance, and the score in words, of what is known."""
    known = each.measured.indications
    return [
        (
            name,
            {"n": known[kind].n, "odds": signals.odds(known[kind].false_positives)},
            words(known[kind].score),
        )
        for kind, name, words in HABITS
        if kind in known
    ]


def described(each: evaluators.Evaluator) -> dict[str, Any]:
    """What templates show of one evaluator: figures as JSON, signals with their odds."""
    return {"evaluator": each, "signals": each.signals, "figures": each.measured.as_json()}


# ── Pausing somebody ─────────────────────────────────────────────────────────────────────────────────


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def evaluator_pause(request: PageRequest, public_id: uuid.UUID, pseudonym: str) -> HttpResponse:
    def act(campaign: Campaign) -> None:
        pauses.pause(
            roster.judge_named(pseudonym),
            campaign,
            everywhere=request.POST.get("everywhere") == "true",
            reason=request.POST.get("reason", ""),
            by=request.user,
            at=clock.now(),
        )

    return told_of(request, public_id, pseudonym, act, "They are given no further tasks, and told why.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def evaluator_resume(request: PageRequest, public_id: uuid.UUID, pseudonym: str) -> HttpResponse:
    def act(campaign: Campaign) -> None:
        pauses.resume(roster.judge_named(pseudonym), campaign, by=request.user, at=clock.now())

    return told_of(request, public_id, pseudonym, act, "They are given tasks again.")


@require_POST
@requires(Permission.MANAGE_CAMPAIGNS)
def pause_answer(request: PageRequest, public_id: uuid.UUID, pseudonym: str) -> HttpResponse:
    def act(campaign: Campaign) -> None:
        pauses.answer(
            lookup.uuid_of(request.POST.get("pause", "")),
            campaign,
            outcome=request.POST.get("outcome", ""),
            answer=request.POST.get("reason", ""),
            by=request.user,
            at=clock.now(),
        )

    return told_of(request, public_id, pseudonym, act, "The appeal is answered; the evaluator is told.")


def told_of(
    request: PageRequest, public_id: uuid.UUID, pseudonym: str, act: Callable[[Campaign], None], done: str
) -> HttpResponse:
    """Act, and say on the evaluator's page what came of it."""
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    try:
        act(campaign)
        messages.success(request, done)
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect("campaign-evaluator", campaign.public_id, pseudonym)
