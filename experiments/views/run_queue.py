"""Page: what is being asked, what waits for what, and how the endpoints are shared."""

from django.core.paginator import Paginator
from django.http import HttpResponse

from evaltrack import clock, heartbeat
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.htmx import page
from experiments.running import queue, queued

PAGE_SIZE = 25


@requires(Permission.VIEW_EXPERIMENTS)
def run_queue(request: PageRequest) -> HttpResponse:
    """The page; htmx asks for the same address again and again."""
    at = clock.now()
    found = queue.of(at=at, seen_by=request.user)
    worker_problem = heartbeat.problem(at=at)
    listed = Paginator(found.visible, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "queue": found,
        "worker_problem": worker_problem,
        "page": listed,
        "shown": queued.in_full(list(listed), worker_problem=worker_problem, at=at),
    }
    return page(request, "experiments/queue.html", context, fragment="experiments/_queue.html")
