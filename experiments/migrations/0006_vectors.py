"""The values of a metric become doubles in a row instead of JSON."""

import numpy as np
from django.db import migrations, models

from evaltrack.vectors import VectorField, without_gaps

AT_ONCE = 200


def pack(apps, editor):
    rows = apps.get_model("experiments", "MetricResult").objects.order_by("pk")
    for row in rows.only("pk", "as_json").iterator(chunk_size=AT_ONCE):
        rows.filter(pk=row.pk).update(values=np.array(row.as_json, dtype=float))


def unpack(apps, editor):
    rows = apps.get_model("experiments", "MetricResult").objects.order_by("pk")
    for row in rows.only("pk", "values").iterator(chunk_size=AT_ONCE):
        rows.filter(pk=row.pk).update(as_json=without_gaps(row.values))


class Migration(migrations.Migration):
    dependencies = [("experiments", "0005_looks")]

    operations = [
        migrations.RenameField("metricresult", "values", "as_json"),
        migrations.AddField("metricresult", "values", VectorField(default=list), preserve_default=False),
        migrations.AlterField("metricresult", "as_json", models.JSONField(null=True)),
        migrations.RunPython(pack, unpack),
        migrations.RemoveField("metricresult", "as_json"),
    ]
