"""The inbox."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from evaltrack import clock
from evaltrack.accounts.access import PageRequest
from evaltrack.htmx import page
from evaltrack.notifications.models import Notification


def inbox(request: PageRequest) -> HttpResponse:
    rows = Notification.objects.filter(recipient=request.user).order_by("-created_at", "-pk")
    return page(
        request, "notifications/inbox.html", {"page": Paginator(rows, 25).get_page(request.GET.get("page"))}
    )


@require_POST
def mark_read(request: PageRequest) -> HttpResponse:
    Notification.objects.filter(recipient=request.user, read_at=None).update(read_at=clock.now())
    return redirect("inbox")
