"""The run queue by API."""

from drf_spectacular.utils import extend_schema
from rest_framework.response import Response

from evaltrack import heartbeat
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from experiments.api import serializers as shapes
from experiments.running import queue, queued

LISTED = 50


class RunQueue(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}

    @extend_schema(responses=shapes.RunQueueOut)
    def get(self, request):
        """What is unfinished, the first fifty that the caller sees, in the order in which they are asked next.

        Lanes count everybody's; endpoints are those that the caller's experiments ask.
        """
        at = self.at
        found = queue.of(at=at, seen_by=request.user)
        problem = heartbeat.problem(at=at)
        body = {
            "at": at,
            "worker": problem or "ok",
            "unfinished": found.unfinished,
            "left_out": max(0, len(found.visible) - LISTED),
            "lanes": found.lanes,
            "experiments": queued.in_full(found.visible[:LISTED], worker_problem=problem, at=at),
            "endpoints": found.endpoints,
        }
        return Response(shapes.RunQueueOut(body).data)
