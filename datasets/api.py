"""The datasets API: register, upload, publish, read, verify."""

import json
from itertools import chain

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from datasets import ingest, policies, versions
from datasets.models import Dataset, DatasetVersion, Sensitivity
from evaltrack import clock
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, paged, person
from evaltrack.errors import NotFound, refuse_if
from evaltrack.ndjson import bounded_lines
from evaltrack.parsers import NdjsonParser
from evaltrack.renderers import NdjsonRenderer


class DatasetIn(serializers.Serializer):
    slug = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=200)
    use_case = serializers.CharField(max_length=5000, allow_blank=True, default="")
    sensitivity = serializers.ChoiceField(Sensitivity.choices, default=Sensitivity.INTERNAL)
    custodian = serializers.CharField(max_length=150)


class DatasetOut(serializers.ModelSerializer):
    custodian = serializers.CharField(source="custodian.username")

    class Meta:
        model = Dataset
        fields = ("slug", "name", "use_case", "sensitivity", "custodian", "created_at")


class DatasetVersionOut(serializers.ModelSerializer):
    dataset = serializers.CharField(source="dataset.slug")
    examples = serializers.IntegerField(source="example_count")

    class Meta:
        model = DatasetVersion
        fields = (
            "dataset", "version", "digest", "examples", "state", "coverage", "limitations", "created_at",
            "published_at", "looks_allowed",
        )  # fmt: skip


class PublishIn(serializers.Serializer):
    looks_allowed = serializers.IntegerField(min_value=1, max_value=1000, required=False, allow_null=True)


def dataset_of(slug: str) -> Dataset:
    found = Dataset.objects.select_related("custodian").filter(slug=slug).first()
    if found is None:
        raise NotFound("no_such_dataset", f"There is no dataset {slug!r}; register it first.")
    return found


class Datasets(ApiView):
    permissions = {"GET": (P.VIEW_DATASETS,), "POST": (P.MANAGE_DATASETS,)}

    @extend_schema(responses=DatasetOut(many=True))
    def get(self, request):
        return paged(self, Dataset.objects.select_related("custodian"), lambda row: DatasetOut(row).data)

    @extend_schema(request=DatasetIn, responses={201: DatasetOut})
    @idempotent
    def post(self, request):
        given = self.shaped(DatasetIn)
        given["custodian"] = person(given["custodian"], field="custodian")
        row = ingest.register(**given, by=request.user, at=clock.now())
        return Response(DatasetOut(row).data, status=201)


class Versions(ApiView):
    """Taking in the same rows under the same number again answers with the first result."""

    permissions = {"GET": (P.VIEW_DATASETS,), "POST": (P.MANAGE_DATASETS,)}
    parser_classes = (NdjsonParser,)

    @extend_schema(responses=DatasetVersionOut(many=True))
    def get(self, request, slug: str):
        rows = dataset_of(slug).versions.select_related("dataset")
        return paged(self, rows, lambda row: DatasetVersionOut(row).data)

    @extend_schema(
        parameters=[OpenApiParameter("version", str, required=True)],
        request={"application/x-ndjson": bytes},
        responses={201: DatasetVersionOut},
    )
    @idempotent
    def post(self, request, slug: str):
        row = ingest.take_in(
            dataset_of(slug),
            version=request.query_params.get("version", ""),
            lines=bounded_lines(request.data) if request.data else [],
            by=request.user,
            at=clock.now(),
        )
        return Response(DatasetVersionOut(row).data, status=201)


class VersionPublish(ApiView):
    permissions = {"POST": (P.MANAGE_DATASETS,)}

    @extend_schema(request=PublishIn, responses=DatasetVersionOut)
    def post(self, request, slug: str, version: str):
        """Freeze it. With `looks_allowed`, seal it as a hold-out that each component may look at so many times."""
        found = versions.find(f"{slug}@{version}")
        looks = self.shaped(PublishIn).get("looks_allowed")
        row = versions.publish(found, by=request.user, at=clock.now(), looks_allowed=looks)
        return Response(DatasetVersionOut(row).data)


class VersionView(ApiView):
    permissions = {"GET": (P.VIEW_DATASETS,)}

    @extend_schema(responses=DatasetVersionOut)
    def get(self, request, slug: str, version: str):
        return Response(DatasetVersionOut(versions.find(f"{slug}@{version}")).data)


class VersionExamples(ApiView):
    permissions = {"GET": (P.READ_EXAMPLES,)}
    renderer_classes = (JSONRenderer, NdjsonRenderer)

    @extend_schema(responses={(200, "application/x-ndjson"): bytes})
    def get(self, request, slug: str, version: str):
        found = versions.find(f"{slug}@{version}")
        refuse_if(policies.seeing_examples(request.user, found))
        rows = versions.stream(found)
        # The first row is read before the answer begins, so that a store that is down is an error and not a stub.
        rows = chain([next(rows)], rows)
        lines = (json.dumps(example.as_json(), ensure_ascii=False) + "\n" for example in rows)
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


class VersionVerify(ApiView):
    permissions = {"POST": (P.MANAGE_DATASETS, P.VIEW_LEDGER)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, slug: str, version: str):
        found = versions.find(f"{slug}@{version}")
        return Response(versions.verify(found, by=request.user, at=clock.now()))
