"""Judgments that were made elsewhere, by API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import imports, lookup
from annotation.models import ImportFormat, JudgmentImport
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.errors import Invalid
from evaltrack.parsers import CsvParser, NdjsonParser, received


class ImportOut(serializers.Serializer):
    """An import: how many judgments it added, how many raters had skipped, and how many were known before."""

    id = serializers.UUIDField(source="public_id")
    format = serializers.ChoiceField(ImportFormat.choices)
    sha256 = serializers.CharField()
    judgments = serializers.IntegerField()
    skipped = serializers.IntegerField()
    known = serializers.IntegerField()
    imported_by = serializers.CharField(source="imported_by.username")
    imported_at = serializers.DateTimeField()


class Taken(serializers.Serializer):
    """`added` is 0 where this very file had been imported before; `import` then is that import."""

    id = serializers.UUIDField()
    added = serializers.IntegerField()


# `import` is a word of the language, and so no name of a field in a class.
Taken._declared_fields["import"] = ImportOut()


def taken(row: JudgmentImport, *, is_new: bool) -> dict:
    return {
        "id": str(row.campaign.public_id),
        "added": row.judgments if is_new else 0,
        "import": ImportOut(row).data,
    }


class CampaignJudgments(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}
    parser_classes = (NdjsonParser, CsvParser)

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=ImportFormat.values, default=ImportFormat.NDJSON)],
        request={"application/x-ndjson": bytes, "text/csv": bytes},
        responses={201: Taken, 200: Taken},
    )
    @idempotent
    def post(self, request, public_id):
        """Import judgments that were made elsewhere into a stand-alone pairwise campaign: all, or none.

        A line has `item`, `rater`, `responses` (the two systems in the order shown) and `preference` (one of them,
        "tie" or "both_bad"), and may have `answers` by criterion, `judged_at` and `id`. With `format=appraise` it is
        CSV as Appraise writes it. A file that was imported before adds nothing and is answered with 200.

        A rater who says the same about the same pair once more is a repeat, unless `id` or `judged_at` shows that it
        is the same judgment: then it counts once, and is refused where it says something else.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        format = request.query_params.get("format", ImportFormat.NDJSON.value)
        if format not in ImportFormat.values:
            raise Invalid(
                "bad_format", "`format` is ndjson or appraise.", {"format": ["is ndjson or appraise"]}
            )
        with received(request) as file:
            row, is_new = imports.take(campaign.pk, file, format=format, by=request.user, at=self.at)
        return Response(taken(row, is_new=is_new), status=201 if is_new else 200)
