"""Shapes of components and their versions."""

from typing import Any

from rest_framework import serializers

from evaltrack.canonical import canonical_json
from evaltrack.ndjson import holds_nul
from experiments.models import ComponentKind, Risk


def keepable(value: Any) -> None:
    """Refuses JSON that cannot be hashed, or that PostgreSQL cannot store."""
    try:
        canonical_json(value)
    except (ValueError, RecursionError) as error:
        raise serializers.ValidationError(f"This cannot be kept: {error}") from error
    if holds_nul(value):
        raise serializers.ValidationError("This holds a NUL character; remove it.")


class ComponentIn(serializers.Serializer):
    name = serializers.SlugField(max_length=80)
    kind = serializers.ChoiceField(ComponentKind.choices)
    owner = serializers.CharField(max_length=150)
    risk = serializers.ChoiceField(Risk.choices)
    suite = serializers.JSONField(required=False, validators=[keepable])


class ComponentOut(serializers.Serializer):
    name = serializers.CharField()
    kind = serializers.CharField()
    risk = serializers.CharField()
    owner = serializers.CharField(source="owner.username")
    suite = serializers.CharField(source="policy", allow_null=True)


class VersionIn(serializers.Serializer):
    version = serializers.CharField(max_length=40)
    configuration = serializers.JSONField(validators=[keepable])


class VersionOut(serializers.Serializer):
    component = serializers.CharField(source="component.name")
    version = serializers.CharField()
    digest = serializers.CharField()
    created_at = serializers.DateTimeField()


class BacktestIn(serializers.Serializer):
    suite = serializers.JSONField()


class TestedOut(serializers.Serializer):
    experiment = serializers.CharField()
    was = serializers.CharField()
    now = serializers.CharField()
    changed = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())
    metrics = serializers.DictField(child=serializers.CharField())
