"""How far people agree: what stands about it on a campaign's page and on its experiment's, and each pair of them."""

import uuid
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render

from annotation import lookup, rubrics
from annotation.agreement import figures, findings, heat, human_rule, pairs
from annotation.models import Campaign
from annotation.sla import standing
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page
from experiments import gates


@requires(Permission.VIEW_CAMPAIGNS)
def standing_of(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """How far the people of an experiment are and whether they agree, for the experiment's own page."""
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    found = figures.of(campaign, at=clock.now())
    if isinstance(found, findings.Findings):
        raise NotFound("no_preferences", "Only a campaign about pairs has a standing beside a gate policy.")
    context = {
        "campaign": campaign,
        "slots": standing.of(campaign, at=clock.now()),
        **told_of(campaign, found),
    }
    return render(request, "annotation/_standing.html", context)


@requires(Permission.VIEW_CAMPAIGNS)
def pairs_of(request: PageRequest, public_id: uuid.UUID) -> HttpResponse:
    """Each two evaluators, those who judged most items in common first."""
    campaign = lookup.campaign_named(public_id, seen_by=request.user)
    found = figures.of(campaign, at=clock.now())
    if isinstance(found, findings.Findings):
        raise NotFound("no_pairs", "Pairs of evaluators are compared in campaigns about pairs alone.")
    counted = Paginator(range(found.n_pairs), pairs.MOST_PAIRS).get_page(request.GET.get("page"))
    start = pairs.MOST_PAIRS * (counted.number - 1)
    context = {
        "campaign": campaign,
        "page": counted,
        "rows": [
            {
                "one": figures.pseudonym(each.one),
                "other": figures.pseudonym(each.other),
                "kappa": each.kappa.as_json(),
                "percent": each.percent.as_json(),
            }
            for each in found.some_pairs(start, pairs.MOST_PAIRS)
        ],
        "mean": found.cohen,
        "cohen_kappa": found.cohen_kappa.as_json(),
    }
    return page(request, "annotation/pairs.html", context)


def told_of(campaign: Campaign, found: figures.Shown) -> dict[str, Any]:
    """What the page says about agreement beyond the numbers: of preferences, whether a policy can use them."""
    if isinstance(found, findings.Findings):
        return {
            "lines": [(name, statistic.as_json()) for name, statistic in found.lines],
            "scale": rubrics.of(campaign.rubric).scale,
        }
    rule = human_rule.of(campaign)
    deciding = found.coefficient(rule.coefficient)
    return {
        "heat": found.heat(name_of=figures.pseudonym),
        "fewest_in_common": heat.FEWEST,
        "any_time": found.any_time.get(rule.coefficient),
        "agreement": deciding.as_json(),
        "usable": gates.usable(deciding, rule.floor),
        "disagree": gates.disagree(deciding, rule.floor),
        "rule": rule,
    }
