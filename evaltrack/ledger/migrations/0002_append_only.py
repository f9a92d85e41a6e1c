"""Triggers that refuse to change or delete what was written."""

from django.db import migrations

from evaltrack.ledger import triggers


def install(apps, schema_editor):
    triggers.install(schema_editor.connection)


def remove(apps, schema_editor):
    triggers.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_entries_and_checkpoints")]

    operations = [migrations.RunPython(install, remove)]
