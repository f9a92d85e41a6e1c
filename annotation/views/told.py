"""What a lead reads after an act on a campaign: that it was done, or why not, on the campaign's page again."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from annotation.models import Campaign
from evaltrack.accounts.access import PageRequest
from evaltrack.errors import ExpectedError


def told(
    request: PageRequest, campaign: Campaign, act: Callable[[], Any], done: str, *, on: str = "campaign"
) -> HttpResponse:
    """Act, and say on the campaign's page, or another one of it, what came of it."""
    try:
        act()
        messages.success(request, done)
    except ExpectedError as error:
        messages.error(request, error.reason)
    return redirect(on, campaign.public_id)
