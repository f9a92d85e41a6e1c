"""Page: what the examples of a dataset version still tell."""

from typing import Any

from django.db.models import Count, Max
from django.http import HttpResponse

from datasets import policies, versions
from datasets.examples import Example
from datasets.models import DatasetVersion
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page
from experiments import health
from experiments.models import Experiment

LISTED = 20


@requires(Permission.VIEW_DATASETS)
def dataset_health(request: PageRequest, slug: str, version: str) -> HttpResponse:
    """`?metric=…`. Texts are for those who may read examples; nobody sees here which system answered what."""
    rows = DatasetVersion.objects.select_related("dataset")
    row = rows.filter(dataset__slug=slug, version=version).first()
    if row is None:
        raise NotFound("no_such_version", f"There is no dataset version {slug}@{version}.")
    if policies.seeing_examples(request.user, row):
        return page(
            request, "experiments/sealed.html", {"version": row, "looks": looks(row, seen_by=request.user)}
        )
    metrics = health.metrics_of(row, seen_by=request.user)
    metric = request.GET.get("metric") or (metrics[0] if metrics else "")
    if metric and metric not in metrics:
        raise NotFound("no_such_metric", f"Nothing was measured on {row} by {metric!r}.")
    found = health.of(row, metric, seen_by=request.user) if metric else None
    reads = request.user.can(Permission.READ_EXAMPLES)
    context = {
        "version": row,
        "metrics": metrics,
        "metric": metric,
        "found": found,
        "reads": reads,
        "doubtful": with_examples(row, found, reads=reads),
        "listed": LISTED,
        "looks": looks(row, seen_by=request.user),
    }
    return page(request, "experiments/health.html", context)


def with_examples(
    version: DatasetVersion, found: health.Health | None, *, reads: bool
) -> list[tuple[health.Doubtful, Example | None]]:
    if found is None or not found.doubtful:
        return []
    by_id = {each.id: each for each in versions.examples(version)} if reads else {}
    return [(each, by_id.get(each.example)) for each in found.doubtful]


def looks(version: DatasetVersion, *, seen_by: User) -> list[dict[str, Any]]:
    """Of a sealed version: each component that the person may see, and how often it has looked."""
    if not version.is_sealed:
        return []
    rows = Experiment.objects.filter(dataset_version=version).looking()
    if not seen_by.can(Permission.MANAGE_DATASETS):
        rows = rows.visible_to(seen_by)
    counted = rows.values("component__name").annotate(count=Count("pk"), newest=Max("submitted_at"))
    return [dict(row) for row in counted.order_by("component__name")]
