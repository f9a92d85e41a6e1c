"""What people said, to take along, by API."""

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer

from annotation import exports, lookup
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.parsers import AnyAccepted


def attached(file: exports.File) -> StreamingHttpResponse:
    response = StreamingHttpResponse(file.parts, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return response


class CampaignExport(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}
    content_negotiation_class = AnyAccepted
    renderer_classes = (JSONRenderer,)

    @extend_schema(
        parameters=[
            OpenApiParameter("format", str, enum=list(exports.FORMATS), default="jsonl"),
            OpenApiParameter(
                "include", str, description="campaign, exclusions, or both with a comma; for format=jsonl"
            ),
        ],
        responses={(200, "application/x-ndjson"): bytes, (200, "text/csv"): bytes},
    )
    def get(self, request, public_id):
        """Every judgment, also those that count nowhere, each with its slot map, its state and why it counts or not.

        Until the campaign is closed systems are letters, drawn anew for each task, and items are digests.
        `ndjson`: what counts in statistics, in the shape in which it is imported into another campaign.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        include = [each for each in request.query_params.get("include", "").split(",") if each]
        format = request.query_params.get("format", "jsonl")
        return attached(exports.opened(campaign, format=format, include=include, by=request.user, at=self.at))
