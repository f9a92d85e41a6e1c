from django.db import migrations, models


class Migration(migrations.Migration):
    """How many calls an endpoint may be asked again is shared by all workers."""

    dependencies = [("experiments", "0019_raw_replies")]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="retries_full_at",
            field=models.DateTimeField(null=True),
        )
    ]
