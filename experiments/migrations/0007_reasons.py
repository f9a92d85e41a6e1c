"""Beside the values of a metric stand the reasons for those that are missing."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("experiments", "0006_vectors")]

    operations = [
        migrations.AddField("metricresult", "undefined", models.JSONField(null=True)),
    ]
