"""A rubric that is revised while people judge: each judgment says by which version it was given."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Q, Subquery

STATES = ["provisional", "final", "undone", "surplus"]
SHOWN_AS = [
    ("provisional", "Can be undone"),
    ("final", "Final"),
    ("undone", "Undone by who gave it"),
    ("surplus", "Given after the task went to somebody else"),
    ("superseded", "Asked again by a later version of the rubric"),
]


def name_rubrics(apps, schema_editor):
    campaigns = apps.get_model("annotation", "Campaign").objects.filter(pk=OuterRef("campaign"))
    apps.get_model("annotation", "Judgment").objects.update(rubric=Subquery(campaigns.values("rubric")[:1]))


def rubric_key(**options):
    return models.ForeignKey(
        "annotation.rubric", on_delete=django.db.models.deletion.PROTECT, related_name="+", **options
    )


class Migration(migrations.Migration):
    dependencies = [("annotation", "0006_protocols")]

    operations = [
        migrations.AddField("campaign", "earlier_rubric", rubric_key(null=True)),
        migrations.AddField("campaign", "revised_at", models.DateTimeField(null=True)),
        migrations.AddField("campaign", "asks_again_below", models.PositiveIntegerField(null=True)),
        migrations.AddConstraint(
            "campaign",
            models.CheckConstraint(
                name="campaign_revised_from_and_at",
                condition=Q(earlier_rubric=None, revised_at=None, asks_again_below=None)
                | Q(earlier_rubric__isnull=False, revised_at__isnull=False),
            ),
        ),
        migrations.AddField("judgment", "rubric", rubric_key(null=True)),
        migrations.RunPython(name_rubrics, migrations.RunPython.noop),
        migrations.AlterField("judgment", "rubric", rubric_key()),
        migrations.AlterField(
            "judgment",
            "state",
            models.CharField(choices=SHOWN_AS, default="provisional", max_length=11),
        ),
        migrations.RemoveConstraint("judgment", "judgment_state_known"),
        migrations.AddConstraint(
            "judgment",
            models.CheckConstraint(
                name="judgment_state_known", condition=Q(state__in=[*STATES, "superseded"])
            ),
        ),
    ]
