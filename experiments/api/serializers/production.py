"""Shapes of what is in production: deployments, samples, live tests."""

from rest_framework import serializers

from experiments.models import AlertState


class ProductionOut(serializers.Serializer):
    component = serializers.CharField(source="component.name")
    environment = serializers.CharField()
    version = serializers.CharField(source="version.version")
    configuration = serializers.JSONField(source="version.configuration")
    digest = serializers.CharField(source="version.digest")
    since = serializers.DateTimeField(source="started_at")
    until = serializers.DateTimeField(source="ended_at", allow_null=True)
    promotion = serializers.CharField(source="promotion.public_id")
    experiment = serializers.CharField(source="promotion.experiment.public_id")


class SamplesTaken(serializers.Serializer):
    new = serializers.IntegerField()
    known = serializers.IntegerField()


class WatchedOut(serializers.Serializer):
    metric = serializers.CharField()
    role = serializers.CharField()
    state = serializers.ChoiceField(AlertState.choices)
    text = serializers.CharField()
    level = serializers.JSONField()
    level_before = serializers.JSONField()
    change = serializers.JSONField()
    change_once = serializers.JSONField()


class QualityOut(serializers.Serializer):
    component = serializers.CharField()
    samples = serializers.IntegerField()
    newest_sample_at = serializers.DateTimeField(allow_null=True)
    fresh = serializers.BooleanField()
    metrics = WatchedOut(many=True)


class LiveTestIn(serializers.Serializer):
    experiment = serializers.CharField(max_length=24)
    metric = serializers.CharField(max_length=60)
    treatment_share = serializers.FloatField(min_value=0.001, max_value=0.999, default=0.5)
    planned_units = serializers.IntegerField(min_value=100, max_value=100_000_000)


class Reason(serializers.Serializer):
    reason = serializers.CharField(max_length=5000)


class LiveTestOut(serializers.Serializer):
    id = serializers.CharField(source="public_id")
    url = serializers.CharField(source="get_absolute_url")
    component = serializers.CharField(source="component.name")
    experiment = serializers.CharField(source="experiment.public_id")
    control = serializers.CharField(source="experiment.baseline.version")
    treatment = serializers.CharField(source="experiment.candidate.version")
    metric = serializers.CharField()
    margin = serializers.FloatField()
    treatment_share = serializers.FloatField()
    planned_units = serializers.IntegerField()
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    result = serializers.JSONField(read_only=True, required=False)
