"""The runs API: outputs that were collected elsewhere are brought here."""

import json

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

import datasets.policies
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.errors import Invalid, refuse_if
from evaltrack.parsers import NdjsonParser, received_lines
from evaltrack.renderers import NdjsonRenderer
from experiments.lookup import experiment_named, run_named
from experiments.models import Arm, OutputState, Run
from experiments.uploading import collected, intake, runs
from experiments.uploading.lines import line_of

STATES = ("missing", "all")
COLLECTED = ("false", "true")


class RunIn(serializers.Serializer):
    experiment = serializers.CharField(max_length=24)
    arm = serializers.ChoiceField(Arm.choices)


class FinishIn(serializers.Serializer):
    missing = serializers.ChoiceField(["refuse", "error"], default="refuse")


class RunState(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    experiment = serializers.CharField(source="experiment.public_id")
    arm = serializers.CharField()
    version = serializers.CharField(source="version.version")
    status = serializers.SerializerMethodField()
    collected_by = serializers.CharField()
    examples = serializers.SerializerMethodField()
    missing = serializers.SerializerMethodField()

    def get_status(self, run) -> str:
        """`open` takes outputs; `finished`: all of them are here; `ended`: its experiment ended before."""
        if run.brought_at or run.finished_at:
            return "finished"
        return "ended" if run.experiment.finished_at else "open"

    def get_examples(self, run) -> int:
        return run.outputs.count()

    def get_missing(self, run) -> int:
        return run.outputs.exclude(state=OutputState.DONE).count()


class OutputsTaken(serializers.Serializer):
    new = serializers.IntegerField()
    known = serializers.IntegerField()
    missing = serializers.IntegerField()


def state_of(run: Run) -> dict:
    return RunState(run).data


class Runs(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=RunIn, responses={201: RunState})
    @idempotent
    def post(self, request):
        """Open the run of an arm whose target is `uploaded`, to bring its outputs. Again: the same run.

        Answers 503 with `Retry-After` while the dataset's store is down.
        """
        given = self.shaped(RunIn)
        experiment = experiment_named(given["experiment"], seen_by=request.user)
        run = runs.open_run(experiment, Arm(given["arm"]), by=request.user, at=self.at)
        return Response(state_of(run), status=201)


class RunView(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}

    @extend_schema(responses=RunState)
    def get(self, request, run_id):
        return Response(state_of(run_named(run_id, seen_by=request.user)))


class RunExamples(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,)}
    renderer_classes = (JSONRenderer, NdjsonRenderer)

    @extend_schema(
        parameters=[OpenApiParameter("state", str, enum=STATES, description="`missing` where left out")],
        responses={(200, "application/x-ndjson"): bytes},
    )
    def get(self, request, run_id):
        """The ids of the examples that have no output yet, or of all, a line each: `{"example": "q1"}`."""
        run = run_named(run_id, seen_by=request.user)
        state = request.query_params.get("state", "missing")
        if state not in STATES:
            raise Invalid("bad_state", f"state is one of {', '.join(STATES)}", {"state": ["is unknown"]})
        rows = run.outputs.order_by("position").values_list("example_id", flat=True)
        wanted = rows if state == "all" else rows.exclude(state=OutputState.DONE)
        lines = (
            json.dumps({"example": each}, ensure_ascii=False) + "\n"
            for each in wanted.iterator(chunk_size=2000)
        )
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")


class RunOutputs(ApiView):
    permissions = {"GET": (P.VIEW_EXPERIMENTS,), "POST": (P.SUBMIT_EXPERIMENTS,)}
    parser_classes = (NdjsonParser,)
    renderer_classes = (JSONRenderer, NdjsonRenderer)

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "collected", str, enum=COLLECTED, description="whether each line says how it came"
            )
        ],
        responses={(200, "application/x-ndjson"): bytes},
    )
    def get(self, request, run_id):
        """The outputs that there are, whoever collected them, in the lines in which they would be brought.

        With `collected=true` each has `collected` besides: how it ended and came. `waited_ms` is from when it could
        first be asked for until the call was made that brought the answer; `latency_ms` begins there. `reused_from`
        is the experiment in which the answer was given, where that is an earlier one; `raw_reply_digest` is the
        SHA-256 of what the endpoint answered, where the policy has that kept.
        """
        run = run_named(run_id, seen_by=request.user)
        refuse_if(datasets.policies.seeing_examples(request.user, run.experiment.dataset_version))
        told = request.query_params.get("collected", "false")
        if told not in COLLECTED:
            raise Invalid(
                "bad_collected", f"collected is one of {', '.join(COLLECTED)}", {"collected": ["is unknown"]}
            )
        rows = run.outputs.filter(state=OutputState.DONE).order_by("position", "repeat")
        line = collected.line_of if told == "true" else line_of
        if told == "true":
            rows = rows.select_related("reused_from__experiment")
        lines = (json.dumps(line(row), ensure_ascii=False) + "\n" for row in rows.iterator(chunk_size=500))
        return StreamingHttpResponse(lines, content_type="application/x-ndjson")

    @extend_schema(request={"application/x-ndjson": bytes}, responses={201: OutputsTaken})
    @idempotent
    def post(self, request, run_id):
        """Bring outputs, a line each, in as many requests as suit: of each all lines or, where one is bad, none.

        A line has `example`, and `output` or `error`, why there is none; it may have `latency_ms`, `input_tokens`,
        `output_tokens`, and `contexts` and `citations`, lists of texts. A line that is here already, the same in
        every field, is known and changes nothing; one that differs is refused.
        """
        run = run_named(run_id, seen_by=request.user)
        with received_lines(request) as lines:
            new, known = intake.take(run, lines, by=request.user, at=self.at)
        missing = run.outputs.exclude(state=OutputState.DONE).count()
        return Response({"new": new, "known": known, "missing": missing}, status=201)


class RunFinish(ApiView):
    permissions = {"POST": (P.SUBMIT_EXPERIMENTS,)}

    @extend_schema(request=FinishIn, responses=RunState)
    def post(self, request, run_id):
        """Say that all outputs are there: the experiment goes on. Refused while examples are missing.

        With `{"missing": "error"}` each of these counts as a call that failed. Finishing again changes nothing.
        """
        run = runs.finish(
            run_named(run_id, seen_by=request.user),
            missing_are_errors=self.shaped(FinishIn)["missing"] == "error",
            by=request.user,
            at=self.at,
        )
        return Response(state_of(run))
