"""Rating, ranking and spans beside pairwise: what stands where is a row of ordinals, not one bit."""

from django.db import migrations, models
from django.db.models import Case, Q, Value, When

PROTOCOLS = [
    ("pairwise", "Blind pairwise comparison"),
    ("rating", "Rating on a scale"),
    ("ranking", "Ranking of several responses"),
    ("spans", "Marking of errors in the text"),
]
SAID = ["choice", "rating", "ranking", "spans"]
PLACED = ["slot", "judgment", "question"]


def name_places(apps, schema_editor):
    for model in PLACED:
        first = When(first_on_slot_1=True, then=Value("01"))
        apps.get_model("annotation", model).objects.update(places=Case(first, default=Value("10")))


def keep_the_first(apps, schema_editor):
    for model in PLACED:
        first = When(places="01", then=Value(True))
        apps.get_model("annotation", model).objects.update(first_on_slot_1=Case(first, default=Value(False)))


def only(filled: str) -> Q:
    return Q(**{f"{column}__isnull": column != filled for column in SAID})


class Migration(migrations.Migration):
    dependencies = [("annotation", "0005_overlap")]

    operations = [
        migrations.AlterField(
            "campaign",
            "protocol",
            models.CharField(choices=PROTOCOLS, default="pairwise", max_length=12),
        ),
        migrations.RemoveConstraint("campaign", "campaign_protocol_known"),
        migrations.AddConstraint(
            "campaign",
            models.CheckConstraint(
                name="campaign_protocol_known",
                condition=Q(protocol__in=["pairwise", "rating", "ranking", "spans"]),
            ),
        ),
        migrations.AddField(
            "rubric",
            "protocol",
            models.CharField(choices=PROTOCOLS, default="pairwise", max_length=12),
        ),
        migrations.AddConstraint(
            "rubric",
            models.CheckConstraint(
                name="rubric_protocol_known",
                condition=Q(protocol__in=["pairwise", "rating", "ranking", "spans"]),
            ),
        ),
        *(
            migrations.AddField(
                model, "places", models.CharField(max_length=9, default="01"), preserve_default=False
            )
            for model in PLACED
        ),
        # Null on the way, so that the way back can add it to rows.
        *(
            migrations.AlterField(model, "first_on_slot_1", models.BooleanField(null=True))
            for model in PLACED
        ),
        migrations.RunPython(name_places, keep_the_first),
        *(migrations.RemoveField(model, "first_on_slot_1") for model in PLACED),
        *(
            migrations.AddConstraint(
                model, models.CheckConstraint(name=f"{model}_places_known", condition=~Q(places=""))
            )
            for model in PLACED
        ),
        migrations.AlterField(
            "judgment",
            "choice",
            models.CharField(
                choices=[
                    ("first", "The task's first response"),
                    ("second", "The task's second response"),
                    ("tie", "Tie"),
                    ("both_bad", "Both bad"),
                ],
                max_length=8,
                null=True,
            ),
        ),
        migrations.AddField("judgment", "rating", models.PositiveSmallIntegerField(null=True)),
        migrations.AddField("judgment", "ranking", models.JSONField(null=True)),
        migrations.AddField("judgment", "spans", models.JSONField(null=True)),
        migrations.RemoveConstraint("judgment", "judgment_choice_known"),
        migrations.AddConstraint(
            "judgment",
            models.CheckConstraint(
                name="judgment_choice_known",
                condition=Q(choice=None) | Q(choice__in=["first", "second", "tie", "both_bad"]),
            ),
        ),
        migrations.AddConstraint(
            "judgment",
            models.CheckConstraint(
                name="judgment_says_one_thing",
                condition=only("choice") | only("rating") | only("ranking") | only("spans"),
            ),
        ),
        migrations.AddConstraint(
            "judgment",
            models.CheckConstraint(
                name="judgment_rating_on_a_scale", condition=Q(rating=None) | Q(rating__range=(1, 10))
            ),
        ),
        migrations.RemoveConstraint("judgment", "judgment_strength_of_a_preference"),
        migrations.AddConstraint(
            "judgment",
            models.CheckConstraint(
                name="judgment_strength_of_a_preference",
                condition=Q(strength=None)
                | Q(strength__in=[1, 2], choice__isnull=False, choice__in=["first", "second"]),
            ),
        ),
    ]
