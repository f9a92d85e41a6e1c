"""Conflicts by API: what is in conflict, claim one, settle it, give it back; labels, and gold of what was settled."""

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation import lookup
from annotation.agreement import figures
from annotation.answers import Answer
from annotation.api.media import AnyType, file_answer
from annotation.api.queue import AnswerIn, nothing
from annotation.models import Adjudication, Campaign, Cause, Hearing, Task
from annotation.protocols import rules_of
from annotation.queue import NothingToDo
from annotation.settling import adjudication, conflicts, heard, hearings, labels, settled_gold
from annotation.settling.adjudication import Finding
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView, NewestFirst
from evaltrack.errors import Conflict

MOST_CONFLICTS = 500


class NextConflictIn(serializers.Serializer):
    campaign = serializers.UUIDField(required=False)


class AdjudicationIn(AnswerIn):
    """An answer as in a judgment, none of an item that is broken; and why others disagreed."""

    cause = serializers.ChoiceField(Cause.choices)
    guideline_unclear = serializers.BooleanField(default=False)
    guideline_note = serializers.CharField(required=False, allow_blank=True, default="")


class GoldIn(serializers.Serializer):
    adjudication = serializers.UUIDField()
    to = serializers.UUIDField()


def stored(row: Adjudication) -> dict:
    """In the words of the screen: places, not systems."""
    said = {} if row.cause == Cause.BROKEN else rules_of(row.campaign.protocol).shown(row)
    return {
        "adjudication": str(row.public_id),
        "hearing": str(row.hearing.public_id),
        "state": row.state,
        **said,
        "cause": row.cause,
        "guideline_unclear": row.guideline_unclear,
        "guideline_note": row.guideline_note,
        "comment": row.comment,
        "adjudicated_at": row.adjudicated_at,
    }


class ConflictsNext(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=NextConflictIn, responses={200: dict})
    def post(self, request):
        """For senior evaluators: the conflict on the screen, or the next one, the lowest agreement first."""
        found = hearings.claim_next(request.user, at=self.at, **self.shaped(NextConflictIn))
        if isinstance(found, NothingToDo):
            return Response({"hearing": None, **nothing(found)})
        return Response(heard.screen(found).as_json())


class HearingAdjudication(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=AdjudicationIn, responses={201: dict, 200: dict})
    def post(self, request, hearing_id):
        """Settle it. The same hearing again answers with what was stored."""
        given = self.shaped(AdjudicationIn)
        finding = Finding(**{name: given.pop(name) for name in Finding.__dataclass_fields__})
        row, created = adjudication.settle(
            hearing_id, answer=Answer(**given), finding=finding, by=request.user, at=self.at
        )
        return Response(stored(row), status=201 if created else 200)


def leased(row: Hearing) -> dict:
    return {"hearing": str(row.public_id), "state": row.state, "lease_expires_at": row.lease_expires_at}


class HearingHeartbeat(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, hearing_id):
        return Response(leased(hearings.heartbeat(hearing_id, by=request.user, at=self.at)))


class HearingRelease(ApiView):
    permissions = {"POST": (P.JUDGE,)}

    @extend_schema(request=None, responses={200: dict})
    def post(self, request, hearing_id):
        return Response(leased(hearings.release(hearing_id, by=request.user, at=self.at)))


class HearingMedia(ApiView):
    permissions = {"GET": (P.JUDGE,)}
    content_negotiation_class = AnyType

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, hearing_id, place: int):
        """As with an assignment's files."""
        return file_answer(request, *hearings.file_of(hearing_id, place, by=request.user, at=self.at))


class CampaignConflicts(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        """What nobody has settled yet, the lowest agreement first, up to 500; and how much disagreement there is.

        Who said what is not told, nor, while people judge, which system anybody preferred.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        return Response(described(campaign, conflicts.overview(campaign, at=self.at)))


def described(campaign: Campaign, found: conflicts.Overview) -> dict:
    first = found.waiting[:MOST_CONFLICTS]
    tasks = Task.objects.in_bulk([each.task for each in first])
    return {
        "compared": found.compared,
        "is_partial": found.is_partial,
        "in_conflict": found.in_conflict,
        "settled": found.settled,
        "waiting": len(found.waiting),
        "causes": adjudication.progress(campaign),
        "by_stratum": [
            {"stratum": name, "in_conflict": conflicting, "compared": compared}
            for name, conflicting, compared in found.by_stratum
        ],
        "by_criterion": dict(found.by_criterion),
        "conflicts": [
            {
                "task": str(tasks[each.task].public_id),
                "item": tasks[each.task].item,
                "stratum": tasks[each.task].stratum,
                "agreement": each.found.agreement,
                "judgments": each.judgments,
                "criteria": list(each.found.criteria),
            }
            for each in first
        ],
    }


class CampaignLabels(ApiView):
    permissions = {"GET": (P.VIEW_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, public_id):
        """Once the campaign is closed, each task's label in terms of systems, newest first, and what made it."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        if not figures.may_be_told(campaign):
            raise Conflict(
                "still_judged", "Labels are told when the campaign is closed, as they say what people prefer."
            )
        pages = NewestFirst()
        tasks = campaign.tasks.select_related("gold")
        page = pages.paginate_queryset(tasks, request, view=self) or []
        return pages.get_paginated_response(labels.as_json(campaign, page, at=self.at))


class CampaignSettledGold(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(request=GoldIn, responses={201: dict})
    @idempotent
    def post(self, request, public_id):
        """Add an item that was settled here to another campaign, `to`, as hidden gold."""
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        given = self.shaped(GoldIn)
        to = lookup.campaign_named(given["to"], seen_by=request.user)
        made = settled_gold.make(given["adjudication"], campaign, to=to, by=request.user, at=self.at)
        body = {"adjudication": str(given["adjudication"]), "to": str(to.public_id), "item": made.task.item}
        return Response(body, status=201)
