"""Pages that read every room: home and the ledger."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect

from annotation import querysets as annotation_rows
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page
from evaltrack.ledger.models import Checkpoint, LedgerEntry
from evaltrack.notifications.models import Notification
from experiments.models import Experiment, PromotionRequest

PAGE_SIZE = 50
FEW = 8


def home(request: PageRequest) -> HttpResponse:
    """What waits for this person. Evaluators go straight to their queue."""
    user = request.user
    if user.can(Permission.JUDGE) and not user.can(Permission.VIEW_EXPERIMENTS):
        return redirect("queue")
    context: dict[str, Any] = {
        "news": Notification.objects.filter(recipient=user).order_by("-created_at")[:FEW]
    }
    if user.can(Permission.VIEW_EXPERIMENTS):
        rows = Experiment.objects.visible_to(user).with_names()
        context["experiments"] = rows.order_by("-submitted_at")[:FEW]
    if user.can(Permission.VIEW_PROMOTIONS):
        context["promotions"] = (
            PromotionRequest.objects.visible_to(user).with_names().filter(status="open")[:FEW]
        )
    if user.can(Permission.VIEW_CAMPAIGNS):
        campaigns = annotation_rows.campaigns_visible_to(user).filter(status="open")
        context["campaigns"] = campaigns.order_by("due_at")[:FEW]
    return page(request, "home.html", context)


@requires(Permission.VIEW_LEDGER)
def ledger(request: PageRequest) -> HttpResponse:
    """The newest entries first. Paged by index: counting a ledger of millions would be slow for nothing."""
    size = LedgerEntry.objects.size()
    before = request.GET.get("before", "")
    end = min(int(before), size) if before.isdecimal() and len(before) < 19 else size
    entries = LedgerEntry.objects.filter(index__lt=end).order_by("-index")[:PAGE_SIZE]
    context = {
        "entries": entries,
        "size": size,
        "older": end - PAGE_SIZE if end > PAGE_SIZE else None,
        "checkpoint": Checkpoint.objects.order_by("-size").first(),
    }
    return page(request, "reports/ledger.html", context)


@requires(Permission.VIEW_LEDGER)
def ledger_entry(request: PageRequest, index: int) -> HttpResponse:
    entry = LedgerEntry.objects.filter(index=index).first()
    if entry is None:
        raise NotFound("no_such_entry", f"The ledger has no entry {index}.")
    text = bytes(entry.canonical).decode(errors="replace")
    return page(request, "reports/ledger_entry.html", {"entry": entry, "text": text})
