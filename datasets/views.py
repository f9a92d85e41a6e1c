"""Pages: the catalogue of golden datasets."""

from django.db.models import Prefetch
from django.http import HttpResponse

from datasets.models import Dataset, DatasetVersion
from evaltrack.accounts.access import PageRequest, requires
from evaltrack.accounts.roles import Permission
from evaltrack.errors import NotFound
from evaltrack.htmx import page


@requires(Permission.VIEW_DATASETS)
def dataset_list(request: PageRequest) -> HttpResponse:
    newest_first = DatasetVersion.objects.order_by("-created_at", "-pk")
    rows = Dataset.objects.select_related("custodian").prefetch_related(Prefetch("versions", newest_first))
    return page(request, "datasets/list.html", {"datasets": rows.order_by("slug")})


@requires(Permission.VIEW_DATASETS)
def dataset_detail(request: PageRequest, slug: str) -> HttpResponse:
    dataset = Dataset.objects.select_related("custodian").filter(slug=slug).first()
    if dataset is None:
        raise NotFound("no_such_dataset", f"There is no dataset {slug!r}.")
    versions = dataset.versions.select_related("created_by", "published_by").order_by("-created_at", "-pk")
    return page(request, "datasets/detail.html", {"dataset": dataset, "versions": versions})
