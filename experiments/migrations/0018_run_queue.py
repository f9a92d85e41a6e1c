from django.db import migrations, models


class Migration(migrations.Migration):
    """What ended within the last minute is found without reading what was done before."""

    dependencies = [("experiments", "0017_reuse")]

    operations = [
        migrations.AddIndex(
            model_name="output",
            index=models.Index(
                name="output_finished",
                fields=["finished_at"],
                condition=models.Q(finished_at__isnull=False),
            ),
        )
    ]
