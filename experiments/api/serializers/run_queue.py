"""Shapes of the run queue."""

from rest_framework import serializers

from experiments.models import Lane


class LaneOut(serializers.Serializer):
    lane = serializers.ChoiceField(Lane.choices)
    queued = serializers.IntegerField(source="counts.queued")
    waiting = serializers.IntegerField(source="counts.waiting")
    running = serializers.IntegerField(source="counts.running")
    paused = serializers.IntegerField(source="counts.paused")
    open = serializers.IntegerField(source="pace.open", help_text="Outputs to be asked for.")
    awaited = serializers.IntegerField(source="pace.brought", help_text="Outputs that somebody has to bring.")
    claimed = serializers.IntegerField(
        source="pace.claimed", help_text="Outputs with workers: in flight, or the next to be."
    )
    done_last_minute = serializers.IntegerField(source="pace.lately")
    remaining_s = serializers.IntegerField(source="pace.remaining_s", allow_null=True)
    oldest_s = serializers.FloatField(
        allow_null=True, help_text="The age of the oldest experiment that is queued or waits."
    )


class WaitsForOut(serializers.Serializer):
    text = serializers.CharField()
    until = serializers.DateTimeField(allow_null=True)
    since = serializers.DateTimeField(allow_null=True)


class QueuedOut(serializers.Serializer):
    place = serializers.IntegerField(source="standing.place", help_text="Among those of everybody, from 1.")
    experiment = serializers.CharField(source="experiment.public_id")
    url = serializers.CharField(source="experiment.get_absolute_url")
    component = serializers.CharField(source="experiment.component.name")
    lane = serializers.ChoiceField(Lane.choices, source="experiment.lane")
    status = serializers.CharField(source="experiment.status")
    paused_at = serializers.DateTimeField(source="experiment.paused_at", allow_null=True)
    age_s = serializers.FloatField()
    total = serializers.IntegerField(
        allow_null=True, help_text="Outputs; null before they are laid out, and while judges are asked."
    )
    open = serializers.IntegerField(source="standing.pace.open")
    awaited = serializers.IntegerField(source="standing.pace.brought")
    claimed = serializers.IntegerField(source="standing.pace.claimed")
    done_last_minute = serializers.IntegerField(source="standing.pace.lately")
    remaining_s = serializers.IntegerField(source="standing.pace.remaining_s", allow_null=True)
    waits_for = WaitsForOut()


class ShareOut(serializers.Serializer):
    worker = serializers.CharField()
    calls = serializers.IntegerField()
    seen_at = serializers.DateTimeField()


class EndpointOut(serializers.Serializer):
    host = serializers.CharField()
    limit = serializers.IntegerField(help_text="The most calls in flight now, of all workers together.")
    configured = serializers.IntegerField()
    claimed = serializers.IntegerField()
    experiments = serializers.IntegerField()
    closed_until = serializers.DateTimeField(
        allow_null=True, help_text="Until when it asked to be left alone."
    )
    retries_left = serializers.IntegerField(
        help_text="How many calls that failed may be made again now, by all workers together."
    )
    retries_most = serializers.IntegerField(help_text="The most of them.")
    shares = ShareOut(many=True)


class RunQueueOut(serializers.Serializer):
    at = serializers.DateTimeField()
    worker = serializers.CharField(help_text="`ok`, or why no worker is heard of.")
    unfinished = serializers.IntegerField(help_text="Experiments, of everybody.")
    left_out = serializers.IntegerField(help_text="Visible ones beyond the first fifty.")
    lanes = LaneOut(many=True)
    experiments = QueuedOut(many=True)
    endpoints = EndpointOut(many=True)
