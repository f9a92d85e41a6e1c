"""Courses by API, for leads and their programs: the rule of the test, and lessons."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from annotation.models import Course
from annotation.onboarding import courses
from annotation.onboarding.lessons import read_lessons
from evaltrack.accounts.idempotency import idempotent
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.parsers import NdjsonParser, received_lines


class RuleIn(serializers.Serializer):
    """`pass_mark`: the share of the test's `items` that must be answered right."""

    pass_mark = serializers.FloatField(min_value=0.01, max_value=1)
    items = serializers.IntegerField(min_value=1, max_value=100)
    retries = serializers.IntegerField(default=1, min_value=0, max_value=20)
    wait_hours = serializers.IntegerField(default=24, min_value=0, max_value=8760)


class CourseOfRubric(ApiView):
    permissions = {"GET": (P.MANAGE_CAMPAIGNS,), "PUT": (P.MANAGE_CAMPAIGNS,)}

    @extend_schema(responses={200: dict})
    def get(self, request, rubric):
        return Response(summary(courses.named(rubric)))

    @extend_schema(request=RuleIn, responses={200: dict})
    def put(self, request, rubric):
        """Set the rule of the test. What was begun under another rule ends under that."""
        return Response(summary(courses.set_rule(rubric, **self.shaped(RuleIn), by=request.user)))


def summary(course: Course) -> dict:
    kinds = list(course.lessons.values_list("kind", flat=True))
    return {
        "rubric": course.rubric_name,
        "pass_mark": course.pass_mark,
        "items": course.items,
        "retries": course.retries,
        "wait_hours": course.wait_hours,
        "lessons": {"training": kinds.count("training"), "test": kinds.count("test")},
        "qualified": course.qualifications.filter(revoked_at=None).count(),
    }


class CourseLessons(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}
    parser_classes = (NdjsonParser,)

    @extend_schema(request={"application/x-ndjson": bytes}, responses={201: dict})
    @idempotent
    def post(self, request, rubric):
        """Add lessons, a line each: items with `gold: {preference, why}` and `kind`, "training" or "test"."""
        with received_lines(request) as lines:
            added = courses.add_lessons(courses.named(rubric), read_lessons(lines), by=request.user)
        return Response({"rubric": rubric, "added": added}, status=201)
