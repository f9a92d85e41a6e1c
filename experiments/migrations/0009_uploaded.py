"""A run may have no endpoint, where its outputs are brought; outputs may come with contexts and citations."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("experiments", "0008_series"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="output",
            name="citations",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="output",
            name="contexts",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="brought_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="run",
            name="brought_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="run",
            name="endpoint",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="experiments.endpoint",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("brought_at", None), ("brought_by", None)),
                    models.Q(("brought_at__isnull", False), ("brought_by__isnull", False)),
                    _connector="OR",
                ),
                name="run_brought_by_and_at",
            ),
        ),
        migrations.AddConstraint(
            model_name="run",
            constraint=models.CheckConstraint(
                condition=models.Q(("endpoint", None), ("brought_at", None), _connector="OR"),
                name="run_asked_is_not_brought",
            ),
        ),
    ]
