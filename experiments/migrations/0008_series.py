"""Every measurement as a point in time, in a table that PostgreSQL partitions by month.

What was measured before comes in with `manage.py recompute_series --write`.
"""

import datetime as dt

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Min

TABLE = "experiments_metricpoint"
MONTHS_AHEAD = 3


class CreatePartitionedModel(migrations.CreateModel):
    """As `CreateModel`; on PostgreSQL partitioned by the range of `at`."""

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.name)
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            sql, parameters = schema_editor.table_sql(model)
            schema_editor.execute(f'{sql} PARTITION BY RANGE ("at")', parameters or None)


def make_partitions(apps, editor):
    """From the first month of which there is anything to a few ahead, and one for whatever lies elsewhere."""
    if editor.connection.vendor != "postgresql":
        return
    editor.execute(f'CREATE TABLE "{TABLE}_default" PARTITION OF "{TABLE}" DEFAULT')
    month, end = first_month(apps), dt.datetime.now(dt.UTC).date()
    for _ in range(MONTHS_AHEAD + 1):
        end = following(end)
    while month < end:
        after = following(month)
        editor.execute(
            f'CREATE TABLE "{TABLE}_{month:%Y_%m}" PARTITION OF "{TABLE}"'
            f" FOR VALUES FROM ('{month} 00:00:00+00') TO ('{after} 00:00:00+00')"
        )
        month = after


def first_month(apps):
    today = dt.datetime.now(dt.UTC).date()
    run = apps.get_model("experiments", "Run").objects.aggregate(first=Min("finished_at"))["first"]
    day = apps.get_model("experiments", "ProductionWindow").objects.aggregate(first=Min("day"))["first"]
    return min(filter(None, (today, run and run.astimezone(dt.UTC).date(), day))).replace(day=1)


def following(day):
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


class Migration(migrations.Migration):
    dependencies = [("datasets", "0002_sealed"), ("experiments", "0007_reasons")]

    operations = [
        CreatePartitionedModel(
            name="MetricPoint",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "component_id",
                        "metric",
                        "at",
                        "source",
                        "origin",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("metric", models.CharField(max_length=60)),
                ("at", models.DateTimeField()),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("automated", "Experiments"),
                            ("human", "People"),
                            ("proxy", "Proxies"),
                            ("production", "Production"),
                        ],
                        max_length=10,
                    ),
                ),
                ("origin", models.BigIntegerField()),
                (
                    "arm",
                    models.CharField(
                        blank=True,
                        choices=[("baseline", "Baseline"), ("candidate", "Candidate")],
                        max_length=10,
                    ),
                ),
                ("value", models.FloatField(null=True)),
                ("low", models.FloatField(null=True)),
                ("high", models.FloatField(null=True)),
                ("n", models.PositiveIntegerField()),
                ("confidence", models.FloatField(default=0.95)),
                ("method", models.TextField(blank=True)),
                ("reason", models.TextField(blank=True)),
                (
                    "component",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="points",
                        to="experiments.component",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="experiments.componentversion",
                    ),
                ),
                (
                    "dataset_version",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="datasets.datasetversion",
                    ),
                ),
                (
                    "experiment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="experiments.experiment",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["automated", "human", "proxy", "production"])),
                        name="point_source_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("arm", ""),
                                ("dataset_version", None),
                                ("experiment", None),
                                ("source", "production"),
                            ),
                            models.Q(
                                models.Q(("source", "production"), _negated=True),
                                ("arm__in", ["baseline", "candidate"]),
                                ("dataset_version__isnull", False),
                                ("experiment__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="point_of_production_has_no_arm",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("high__isnull", False),
                                ("low__isnull", False),
                                ("reason", ""),
                                ("value__isnull", False),
                                ("high__gte", models.F("value")),
                                ("low__lte", models.F("value")),
                            ),
                            models.Q(("high", None), ("low", None), models.Q(("reason", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="point_without_interval_says_why",
                    ),
                ],
            },
        ),
        migrations.RunPython(make_partitions, migrations.RunPython.noop),
    ]
