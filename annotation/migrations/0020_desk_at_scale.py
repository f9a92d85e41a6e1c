import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0019_repeats")]

    operations = [
        migrations.CreateModel(
            name="WaitingConflict",
            fields=[
                (
                    "task",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="waiting_conflict",
                        serialize=False,
                        to="annotation.task",
                    ),
                ),
                ("agreement", models.FloatField()),
                ("judgments", models.PositiveSmallIntegerField()),
                ("draw", models.PositiveBigIntegerField()),
                (
                    "campaign",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="waiting_conflicts",
                        to="annotation.campaign",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["campaign", "agreement", "-judgments", "draw"],
                        name="waiting_conflict_in_order",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="campaign", name="conflicts_seen_at", field=models.DateTimeField(null=True)
        ),
        # The new index begins with the campaign, so it serves where that of the foreign key did.
        migrations.AddIndex(
            model_name="task", index=models.Index(fields=["campaign", "id"], name="task_in_order")
        ),
        migrations.AddIndex(
            model_name="task", index=models.Index(fields=["item", "campaign"], name="task_of_item")
        ),
        migrations.AlterField(
            model_name="task",
            name="campaign",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tasks",
                to="annotation.campaign",
            ),
        ),
    ]
