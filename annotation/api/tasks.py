"""Items of stand-alone campaigns by API: added, and taken along."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from annotation import lookup, opening
from annotation.api.exports import attached
from annotation.api.imports import MAPPING
from annotation.exports import tasks
from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import fields_of
from annotation.formats.task_files import FORMATS, read_items
from annotation.protocols import rules_of
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.errors import Invalid
from evaltrack.parsers import AnyAccepted, CsvParser, JsonStreamParser, NdjsonParser, received

FORMAT = OpenApiParameter("format", str, enum=FORMATS, default="ndjson")


class CampaignTasks(ApiView):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,), "POST": (P.MANAGE_CAMPAIGNS,)}
    parser_classes = (NdjsonParser, CsvParser, JsonStreamParser)
    content_negotiation_class = AnyAccepted
    renderer_classes = (JSONRenderer,)

    @extend_schema(
        parameters=[
            OpenApiParameter("format", str, enum=tasks.FORMATS, default="ndjson"),
            OpenApiParameter("part", str, enum=tasks.PARTS, default="tasks"),
        ],
        responses={
            (200, "application/x-ndjson"): bytes,
            (200, "application/json"): bytes,
            (200, "application/xml"): bytes,
        },
    )
    def get(self, request, public_id):
        """The items of a stand-alone campaign: as lines that can be added to another one, or for Label Studio.

        With `format=label_studio`, `part=tasks` names no system; `config` is the labelling configuration for the
        campaign's rubric; `key` says which system stands in which place, and is for the lead alone.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        query = request.query_params
        file = tasks.opened(
            campaign, format=query.get("format", "ndjson"), part=query.get("part", "tasks"), by=request.user
        )
        return attached(file)

    @extend_schema(
        parameters=[
            FORMAT,
            *MAPPING,
            OpenApiParameter("prompt", str, description="the field that holds the prompt"),
            OpenApiParameter("response", str, many=True, description="the fields that hold the responses"),
        ],
        request={"application/x-ndjson": bytes, "text/csv": bytes, "application/json": bytes},
        responses={201: dict},
    )
    @idempotent
    def post(self, request, public_id):
        """Add stand-alone items, a line each: all of them or, where a line is bad, none.

        `held`: tasks that wait for the lead's check, as their text may name a system. `mentions`: further tasks
        that merely mention a vendor or a model; they are not held. With `format=csv` a row has `item`, `prompt`,
        `source_1`, `response_1` and so on. With `format=label_studio` the items are tasks in its format, of which the
        other parameters say what means what; `left_out` counts what else they brought.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        format = request.query_params.get("format", "ndjson")
        if format not in FORMATS:
            sentence = f"is one of {', '.join(FORMATS)}"
            raise Invalid("bad_format", f"`format` {sentence}.", {"format": [sentence]})
        fields = fields_of(dict(request.query_params.lists()))
        rules, left_out = rules_of(campaign.protocol), LeftOut()
        with received(request) as file:
            items, unit = read_items(file, format, fields, rules, left_out)
            added, found = opening.add_items(campaign.pk, items, by=request.user, at=self.at, unit=unit)
        body = {
            "id": str(campaign.public_id),
            "added": added,
            "held": found.held,
            "mentions": found.mentioned,
        }
        return Response(body | ({"left_out": left_out.as_json()} if unit else {}), status=201)
