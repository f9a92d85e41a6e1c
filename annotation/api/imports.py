"""Judgments that were made elsewhere, by API."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import imports, lookup
from annotation.formats.mapping import fields_of
from annotation.models import ImportFormat, JudgmentImport
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.errors import Invalid
from evaltrack.parsers import CsvParser, JsonStreamParser, NdjsonParser, received


class ImportOut(serializers.Serializer):
    """An import: how many judgments it added, how many raters had not given, and how many were known before.

    `left_out` counts by why what else the file held, the skipped ones among it. `options`: what was said of the file.
    """

    id = serializers.UUIDField(source="public_id")
    format = serializers.ChoiceField(ImportFormat.choices)
    sha256 = serializers.CharField()
    judgments = serializers.IntegerField()
    skipped = serializers.IntegerField()
    known = serializers.IntegerField()
    left_out = serializers.DictField(child=serializers.IntegerField())
    options = serializers.DictField()
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


MAPPING = [
    OpenApiParameter("item", str, description="the field that names the item"),
    OpenApiParameter(
        "source", str, many=True, description="the fields that name the systems, in the order shown"
    ),
    OpenApiParameter(
        "system", str, many=True, description="the systems, if each always stood in the same place"
    ),
]
ANSWERS = [
    OpenApiParameter("question", str, description="the control or the question that says which is better"),
    OpenApiParameter("ranking", bool, description="lists of labels are orders, the best first"),
    *(
        OpenApiParameter(side, str, many=True, description="answers that mean so")
        for side in ("left", "right", "tie", "both_bad")
    ),
]


class CampaignJudgments(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}
    parser_classes = (NdjsonParser, CsvParser, JsonStreamParser)

    @extend_schema(
        parameters=[
            OpenApiParameter("format", str, enum=ImportFormat.values, default=ImportFormat.NDJSON),
            *MAPPING,
            *ANSWERS,
        ],
        request={"application/x-ndjson": bytes, "text/csv": bytes, "application/json": bytes},
        responses={201: Taken, 200: Taken},
    )
    @idempotent
    def post(self, request, public_id):
        """Import judgments that were made elsewhere into a stand-alone pairwise campaign: all, or none.

        A line has `item`, `rater`, `responses` (the two systems in the order shown) and `preference` (one of them,
        "tie" or "both_bad"), and may have `answers` by criterion, `judged_at` and `id`. With `format=appraise` it is
        CSV as Appraise writes it; with `label_studio` or `argilla` JSON as these export it, of which the other
        parameters say what means what.

        A rater who says the same about the same pair once more is a repeat, unless `id` or `judged_at` shows that it
        is the same judgment: then it counts once, and is refused where it says something else.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        format = request.query_params.get("format", ImportFormat.NDJSON.value)
        if format not in ImportFormat.values:
            sentence = f"is {', '.join(ImportFormat.values[:-1])} or {ImportFormat.values[-1]}"
            raise Invalid("bad_format", f"`format` {sentence}.", {"format": [sentence]})
        fields = fields_of(dict(request.query_params.lists()))
        with received(request) as file:
            row, is_new = imports.take(
                campaign.pk, file, format=format, fields=fields, by=request.user, at=self.at
            )
        return Response(taken(row, is_new=is_new), status=201 if is_new else 200)
