"""Shapes of experiments, their runs and what they found."""

from dataclasses import asdict
from typing import Any

from rest_framework import serializers

from evaltrack import clock
from experiments import gaps, pricing, progress, reused
from experiments.api.money import Dollars, dollars
from experiments.api.serializers.components import keepable
from experiments.judging import shown as judges
from experiments.models import Comparison, MetricResult, Tier
from experiments.tariff import MICRO


class ExperimentIn(serializers.Serializer):
    component = serializers.CharField(max_length=80)
    candidate = serializers.CharField(max_length=40)
    baseline = serializers.CharField(max_length=40, required=False)
    dataset = serializers.CharField(max_length=130)
    tier = serializers.ChoiceField(Tier.choices, default=Tier.STANDARD)
    suite = serializers.JSONField(required=False, validators=[keepable])
    budget_usd = Dollars(required=False, allow_null=True, default=None)
    hypothesis = serializers.CharField(max_length=5000, required=False, allow_blank=True, default="")
    context = serializers.DictField(required=False, default=dict, validators=[keepable])  # type: ignore[assignment]


class ExtensionIn(serializers.Serializer):
    tier = serializers.ChoiceField(Tier.choices, default=Tier.EXTENDED)


class VerdictOut(serializers.Serializer):
    outcome = serializers.CharField()
    provisional = serializers.BooleanField()
    reasons = serializers.ListField(child=serializers.CharField())
    automated = serializers.CharField()
    people = serializers.CharField()
    decided_at = serializers.DateTimeField()


class ComparisonOut(serializers.ModelSerializer):
    class Meta:
        model = Comparison
        fields = (
            "metric", "role", "kind", "direction", "unit", "design", "n", "baseline", "candidate", "delta",
            "tests", "decided_by", "p_adjusted", "bounds", "margin", "outcome", "explanation",
        )  # fmt: skip


class RunOut(serializers.Serializer):
    id = serializers.UUIDField(source="public_id")
    arm = serializers.CharField()
    version = serializers.CharField(source="version.version")
    endpoint = serializers.CharField(source="endpoint.base_url", allow_null=True)
    record = serializers.SerializerMethodField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)

    def get_record(self, run) -> dict[str, Any]:
        # Who brought outputs is a person or a machine of ours: named here by its account, not kept as text.
        return {**run.record, "collected_by": run.collected_by}


class ExperimentSummary(serializers.Serializer):
    id = serializers.CharField(source="public_id")
    status = serializers.CharField()
    url = serializers.CharField(source="get_absolute_url")
    reason = serializers.CharField()
    component = serializers.CharField(source="component.name")
    candidate = serializers.CharField(source="candidate.version")
    baseline = serializers.CharField(source="baseline.version")
    dataset = serializers.CharField(source="dataset_version")
    tier = serializers.CharField()
    paused_at = serializers.DateTimeField(allow_null=True)
    attempt = serializers.IntegerField()
    extends = serializers.CharField(source="extends.public_id", allow_null=True, default=None)
    submitted_at = serializers.DateTimeField()
    verdict = serializers.SerializerMethodField()

    def get_verdict(self, experiment) -> dict | None:
        newest = next(iter(experiment.verdicts.all()), None)
        return VerdictOut(newest).data if newest else None


class ExperimentOut(ExperimentSummary):
    hypothesis = serializers.CharField()
    context = serializers.JSONField()  # type: ignore[assignment]
    progress = serializers.SerializerMethodField()
    cost = serializers.SerializerMethodField()
    reused = serializers.SerializerMethodField()
    plan = serializers.SerializerMethodField()
    comparisons = ComparisonOut(many=True)
    undefined = serializers.SerializerMethodField(
        help_text="How many examples have no value of a metric, by metric, arm and reason; only where there are any."
    )
    runs = RunOut(many=True, source="runs.of_arms")
    judges = serializers.SerializerMethodField(
        help_text="Who judged by which metric, under which configuration and prompt; `found` has what it failed on, "
        "how far its samples lie apart, and how often it contradicted itself when two answers changed places."
    )
    evidence_digest = serializers.SerializerMethodField()

    def get_reused(self, experiment) -> dict | None:
        """How many of the `answers` earlier experiments gave, in all and by arm, and when the oldest was given; null
        where nothing may be reused."""
        found = reused.of(experiment, experiment.runs.of_arms())
        return found.as_json() if found else None

    def get_judges(self, experiment) -> list[dict]:
        return judges.as_json(experiment)

    def get_progress(self, experiment) -> dict:
        """Outputs; `remaining_s` is null where the pace of the last minute tells nothing."""
        return asdict(progress.of(experiment, at=clock.now()))

    def get_cost(self, experiment) -> dict:
        """In US dollars. `answers_of_unknown_cost` are answers whose price or tokens nobody knows; `judges_usd` is
        the part of `spent_usd` that judges have cost."""
        cost = pricing.cost_of(experiment)
        return {
            "spent_usd": cost.spent / MICRO,
            "answers_of_unknown_cost": cost.unknown,
            "judges_usd": cost.of_judges / MICRO,
            "budget_usd": dollars(experiment.budget_micro),
            "estimate_usd": dollars(pricing.expected(experiment)),
        }

    def get_plan(self, experiment) -> dict | None:
        plan = getattr(experiment, "plan", None)
        if plan is None:
            return None
        return {
            "digest": plan.digest,
            "locked_at": plan.locked_at,
            "deviations": plan.deviations,
            **plan.body,
        }

    def get_undefined(self, experiment) -> dict[str, dict[str, dict[str, int]]]:
        rows = MetricResult.objects.filter(run__experiment=experiment).exclude(undefined=None)
        found: dict[str, dict[str, dict[str, int]]] = {}
        for metric, arm, kept in rows.order_by("pk").values_list("metric", "run__arm", "undefined"):
            if counts := gaps.counts(kept):
                found.setdefault(metric, {})[arm] = counts
        return found

    def get_evidence_digest(self, experiment) -> str | None:
        newest = next(iter(experiment.verdicts.all()), None)
        return newest.evidence_digest if newest else None
