"""Runs may be asked in batches: files of questions that an endpoint answers in its own time."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0012_bounds"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="in_batches",
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name="Batch",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("prepared", "Prepared"),
                            ("uploaded", "Uploaded"),
                            ("sent", "Sent"),
                            ("ended", "Ended"),
                        ],
                        default="prepared",
                        max_length=10,
                    ),
                ),
                ("requests", models.PositiveIntegerField()),
                ("file_id", models.CharField(blank=True, max_length=200)),
                ("remote_id", models.CharField(blank=True, max_length=200)),
                ("remote_status", models.CharField(blank=True, max_length=40)),
                ("detail", models.TextField(blank=True)),
                ("created_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("next_look_at", models.DateTimeField()),
                ("failed_looks", models.PositiveIntegerField(default=0)),
                ("lease_token", models.UUIDField(null=True)),
                ("lease_until", models.DateTimeField(null=True)),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="batches",
                        to="experiments.run",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "batches",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "ended"), _negated=True),
                        fields=["next_look_at"],
                        name="batch_due",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["prepared", "uploaded", "sent", "ended"])),
                        name="batch_state_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at__isnull", False), ("state", "ended")),
                            models.Q(models.Q(("state", "ended"), _negated=True), ("ended_at", None)),
                            _connector="OR",
                        ),
                        name="batch_ended_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "sent"), _negated=True),
                            models.Q(
                                models.Q(("remote_id", ""), _negated=True),
                                models.Q(("file_id", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="batch_sent_has_id",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "uploaded"), _negated=True),
                            models.Q(("file_id", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="batch_uploaded_has_file",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("lease_token", None), ("lease_until", None)),
                            models.Q(("lease_token__isnull", False), ("lease_until__isnull", False)),
                            _connector="OR",
                        ),
                        name="batch_leased_has_token",
                    ),
                ],
            },
        ),
    ]
