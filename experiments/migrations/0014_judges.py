import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0013_batches"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="component",
            name="component_kind_known",
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="run_one_per_arm",
        ),
        migrations.RemoveConstraint(
            model_name="run",
            name="run_arm_known",
        ),
        migrations.AddField(
            model_name="run",
            name="judges",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="judgings",
                to="experiments.run",
            ),
        ),
        migrations.AddField(
            model_name="run",
            name="metric",
            field=models.CharField(blank=True, max_length=60),
        ),
        migrations.AlterField(
            model_name="component",
            name="kind",
            field=models.CharField(
                choices=[
                    ("model", "Model"),
                    ("prompt", "Prompt"),
                    ("rag", "RAG configuration"),
                    ("judge", "Judge"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="arm",
            field=models.CharField(
                blank=True, choices=[("baseline", "Baseline"), ("candidate", "Candidate")], max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="component",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["model", "prompt", "rag", "judge"])),
                name="component_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("judges", None)), fields=("experiment", "arm"), name="run_one_per_arm"
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.UniqueConstraint(
                condition=models.Q(("judges__isnull", False)),
                fields=("judges", "metric"),
                name="run_judged_once_by_metric",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("arm__in", ["baseline", "candidate"]), ("judges", None), ("metric", "")),
                    models.Q(
                        ("arm", ""),
                        ("endpoint__isnull", False),
                        ("judges__isnull", False),
                        models.Q(("metric", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="run_is_of_an_arm_or_a_judge",
            ),
        ),
    ]
