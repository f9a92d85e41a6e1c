"""The lead's page of text that may name a system: decided by place or by text."""

import uuid

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from annotation import flags, lookup, querysets
from annotation.blinding import release
from annotation.models import Campaign
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import ExpectedError
from evaltrack.htmx import page

PAGE_SIZE = 25
MOST_TEXTS = 20
DONE = {
    "accept": "Accepted as harmless",
    "redact": "Redacted for evaluators",
    "exclude": "Excluded with their items",
}


@require_http_methods(["GET", "POST"])
@requires(Permission.MANAGE_CAMPAIGNS)
def flag_list(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    if request.method == "POST":
        decide(request, campaign)
        return redirect(request.get_full_path())  # the page of the list that the lead was on
    rows = Paginator(flags.waiting(campaign).order_by("text", "pk"), PAGE_SIZE).get_page(
        request.GET.get("page")
    )
    texts = list(flags.texts(campaign)[: MOST_TEXTS + 1])
    context = {
        "campaign": campaign,
        "page": rows,
        "rows": [flags.shown(flag) for flag in rows],
        "texts": texts[:MOST_TEXTS],
        "more_texts": len(texts) > MOST_TEXTS,
        "held": querysets.held_back(campaign).count(),
    }
    return page(request, "annotation/flags.html", context)


def decide(request: PageRequest, campaign: Campaign) -> None:
    given = request.POST
    try:
        count = release.decide(
            campaign.pk,
            flag=lookup.uuid_of(given["flag"]) if given.get("flag") else None,
            text=given.get("text", ""),
            decision=given.get("decision", ""),
            reason=given.get("reason", ""),
            by=request.user,
            at=clock.now(),
        )
        places = "1 place" if count == 1 else f"{count} places"
        messages.success(request, f"{DONE[given['decision']]}: {places}.")
    except ExpectedError as error:
        messages.error(request, error.reason)
