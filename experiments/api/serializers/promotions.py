"""Shapes of promotions."""

from rest_framework import serializers

from experiments.models import Environment


class PromotionIn(serializers.Serializer):
    component = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=40)
    environment = serializers.ChoiceField(Environment.choices)
    experiment = serializers.CharField(max_length=24)
    reason = serializers.CharField(max_length=5000)


class PromotionOut(serializers.Serializer):
    id = serializers.CharField(source="public_id")
    status = serializers.CharField()
    url = serializers.CharField(source="get_absolute_url")
    component = serializers.CharField(source="component.name")
    version = serializers.CharField(source="version.version")
    environment = serializers.CharField()
    experiment = serializers.CharField(source="experiment.public_id")
    reason = serializers.CharField()
    evidence_digest = serializers.CharField()
    decision_digest = serializers.CharField()
    requested_by = serializers.CharField(source="requested_by.username")
    requested_at = serializers.DateTimeField()
    closed_by = serializers.CharField(source="closed_by.username", allow_null=True, default=None)
    closed_at = serializers.DateTimeField(allow_null=True)
    closing_reason = serializers.CharField()
