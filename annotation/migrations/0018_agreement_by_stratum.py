"""What is kept of agreement has no strata yet: it is read again."""

from django.db import migrations


def read_again(apps, schema_editor):
    apps.get_model("annotation", "AgreementState").objects.update(is_stale=True)


class Migration(migrations.Migration):
    dependencies = [("annotation", "0017_desk")]

    operations = [migrations.RunPython(read_again, migrations.RunPython.noop)]
