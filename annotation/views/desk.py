"""The lead's desk: campaigns at a glance."""

from django.core.paginator import Paginator
from django.http import HttpResponse

from annotation import glance
from evaltrack import clock
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.htmx import page

PAGE_SIZE = 25


@requires(Permission.VIEW_CAMPAIGNS)
def campaign_list(request: PageRequest) -> HttpResponse:
    at = clock.now()
    search, status = request.GET.get("search", "").strip(), request.GET.get("status", "")
    found = glance.listed(request.user, search=search, status=status, at=at)
    rows = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": rows,
        "rows": glance.of(list(rows), at=at),
        "search": search,
        "status": status,
        "statuses": glance.STATUSES,
        "may_manage": request.user.can(Permission.MANAGE_CAMPAIGNS),
    }
    return page(request, "annotation/campaigns.html", context, fragment="annotation/_campaign_rows.html")
