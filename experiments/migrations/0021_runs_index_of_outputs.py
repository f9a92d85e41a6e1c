import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Outputs of a run are found by the key of run, position and repeat, which begins with it: a second index of runs
    only cost each write."""

    dependencies = [("experiments", "0020_retries")]

    operations = [
        migrations.AlterField(
            model_name="output",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="outputs",
                to="experiments.run",
            ),
        )
    ]
