"""Shapes of the time series."""

from rest_framework import serializers


class PointOut(serializers.Serializer):
    at = serializers.DateTimeField()
    source = serializers.CharField()  # type: ignore[assignment]
    version = serializers.CharField(source="version.version")
    arm = serializers.SerializerMethodField()
    dataset = serializers.CharField(source="dataset_version", allow_null=True)
    experiment = serializers.CharField(source="experiment.public_id", allow_null=True, default=None)
    estimate = serializers.DictField(source="statistic")

    def get_arm(self, point) -> str | None:
        return point.arm or None
