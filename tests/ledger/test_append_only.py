"""Nothing that was written can be changed or taken away, whatever asks for it."""

import sqlite3

import pytest
from django.core.checks import Error
from django.core.management import call_command
from django.db import IntegrityError, connection, migrations, models, transaction

from evaltrack.errors import Conflict
from evaltrack.ledger import checkpoints, checks, triggers
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import Checkpoint, Disclosure, LedgerEntry
from evaltrack.ledger.record import record
from tests.ledger.append_only import without_triggers
from tests.ledger.cast import AT, approver

TABLES = [triggers.ENTRIES, triggers.CHECKPOINTS, triggers.DISCLOSURES]


def refused(sql: str, *values) -> None:
    with pytest.raises(IntegrityError, match="The ledger is"), transaction.atomic(), connection.cursor() as c:
        c.execute(sql, values)


@pytest.mark.parametrize("column", [field.column for field in LedgerEntry._meta.concrete_fields])
def test_no_column_of_an_entry_can_be_changed_by_sql(entry, column):
    refused(f'UPDATE {triggers.ENTRIES} SET "{column}" = %s', changed_value(column))


def changed_value(column):
    if column in {"index", "schema_version"}:
        return 7
    if column == "recorded_at":
        return "2020-01-01 00:00:00+00:00"
    if column == "canonical":
        return b"{}"
    if column == "names":
        return '{"actor": "Somebody Else"}'
    if column in {"event_id", "actor"} and connection.vendor == "postgresql":
        return "33333333-3333-4333-8333-333333333333"
    return "promotion_rejected"


def test_every_column_but_the_names_is_protected_on_sqlite_too():
    columns = [field.column for field in LedgerEntry._meta.concrete_fields]
    assert [*triggers.HASHED_COLUMNS, "names"] == columns


@pytest.mark.parametrize("column", [field.column for field in Checkpoint._meta.concrete_fields])
def test_no_column_of_a_checkpoint_can_be_changed_by_sql(history, column):
    refused(f"UPDATE {triggers.CHECKPOINTS} SET {column} = {column}")


def test_a_statement_can_be_deleted_and_not_changed(entry):
    refused(f"UPDATE {triggers.DISCLOSURES} SET value = 'something else'")
    Disclosure.objects.filter(entry_index=0).delete()
    assert not Disclosure.objects.exists()


@pytest.mark.parametrize("table", [triggers.ENTRIES, triggers.CHECKPOINTS])
def test_no_row_can_be_deleted_by_sql(history, table):
    refused(f"DELETE FROM {table}")


@pytest.mark.parametrize("table", TABLES)
def test_no_table_can_be_truncated(history, table):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no TRUNCATE; its DELETE is tested above.")
    refused(f"TRUNCATE {table}")


def test_a_superuser_in_replica_mode_is_still_refused(history):
    if connection.vendor != "postgresql":
        pytest.skip("Replica mode exists on PostgreSQL only.")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
    refused(f"DELETE FROM {triggers.ENTRIES}")


@pytest.mark.parametrize("unique", ["index", "event_id", "id"])
@pytest.mark.parametrize("pragma", ["ON", "OFF"])
def test_insert_or_replace_does_not_overwrite(transactional_db, promotion, unique, pragma):
    if connection.vendor != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's; PostgreSQL's upsert is tested below.")
    written = three_rows(promotion)
    # A foreign connection, which has not set recursive_triggers as ours does.
    raw = sqlite3.connect(connection.settings_dict["NAME"])
    raw.execute(f"PRAGMA recursive_triggers = {pragma}")
    values = {"index": written.index + 1, "event_id": "f" * 32}
    if unique == "id":
        statements = [
            f"INSERT OR REPLACE INTO {triggers.CHECKPOINTS} SELECT id, 99, root, note, issued_at"
            f" FROM {triggers.CHECKPOINTS}",
            f"INSERT OR REPLACE INTO {triggers.DISCLOSURES} SELECT id, entry_index, field, salt, 'x'"
            f" FROM {triggers.DISCLOSURES}",
            f"INSERT OR REPLACE INTO {triggers.DISCLOSURES} SELECT id + 9, entry_index, field, salt, 'x'"
            f" FROM {triggers.DISCLOSURES}",
        ]
    else:
        values[unique] = getattr(written, unique) if unique == "index" else written.event_id.hex
        rest = ", ".join(f'"{column}"' for column in triggers.HASHED_COLUMNS[2:])
        statements = [
            f'INSERT OR REPLACE INTO {triggers.ENTRIES} ("index", event_id, {rest}, names)'
            f" SELECT {values['index']}, '{values['event_id']}', {rest}, '{{}}'"
            f" FROM {triggers.ENTRIES} LIMIT 1"
        ]
    try:
        for statement in statements:
            with pytest.raises(sqlite3.IntegrityError, match="The ledger is"):
                raw.execute(statement)
    finally:
        raw.close()


def three_rows(promotion):
    with transaction.atomic():
        for _ in range(3):
            written = record(
                Event.PROMOTION_APPROVED, by=approver, subject=promotion, at=AT, statements={"reason": "r"}
            )
    checkpoints.issue(AT)
    return written


def test_an_upsert_does_not_overwrite(entry):
    columns = ", ".join(f'"{column}"' for column in [*triggers.HASHED_COLUMNS, "names"])
    refused(
        f"INSERT INTO {triggers.ENTRIES} ({columns}) SELECT {columns} FROM {triggers.ENTRIES} WHERE true"
        " ON CONFLICT (\"index\") DO UPDATE SET leaf_hash = 'x'"
    )


@pytest.mark.parametrize("index", [0, 2, 100])
def test_only_the_next_index_can_be_inserted(entry, index):
    forged = LedgerEntry.objects.get()
    forged.index, forged.event_id = index, "44444444-4444-4444-8444-444444444444"
    forged._state.adding = True
    with pytest.raises(Conflict, match="without gaps"), transaction.atomic():
        forged.save()


def test_no_checkpoint_can_be_smaller_than_the_one_before(history):
    if connection.vendor == "postgresql":
        pytest.skip("PostgreSQL leaves this to verification.")
    with pytest.raises(IntegrityError, match="The ledger is"), transaction.atomic():
        models.QuerySet(Checkpoint).bulk_create([Checkpoint(size=1, root="", note="", issued_at=AT)])


@pytest.mark.parametrize("model", [LedgerEntry, Checkpoint, Disclosure])
def test_the_orm_says_what_to_do_instead_of_changing(history, model):
    row = model.objects.first()
    column = model._meta.concrete_fields[-1].name
    for change in [
        row.save,
        lambda: model.objects.update(pk=1),
        lambda: model.objects.bulk_update([row], [column]),
    ]:
        with pytest.raises(Conflict, match="Record what changed as a new entry"):
            change()


@pytest.mark.parametrize("model", [LedgerEntry, Checkpoint])
def test_the_orm_says_what_to_do_instead_of_deleting(history, model):
    for delete in [model.objects.first().delete, lambda: model.objects.all().delete()]:
        with pytest.raises(Conflict, match="Record what changed as a new entry"):
            delete()


def test_a_queryset_that_goes_around_the_friendly_errors_meets_the_trigger(entry):
    with pytest.raises(IntegrityError, match="The ledger is"), transaction.atomic():
        models.QuerySet(LedgerEntry).update(actor_role="owner")
    with pytest.raises(IntegrityError, match="The ledger is"), transaction.atomic():
        LedgerEntry.objects.all()._raw_delete(using="default")


def test_a_migration_that_rebuilds_the_table_ends_with_triggers(transactional_db, promotion):
    three_rows(promotion)
    state = migrations.executor.MigrationExecutor(connection).loader.project_state()
    operation = migrations.AlterField("LedgerEntry", "actor_role", models.CharField(max_length=121))
    after = state.clone()
    operation.state_forwards("ledger", after)
    try:
        with connection.schema_editor() as editor:
            operation.database_forwards("ledger", editor, state, after)
        # On SQLite they went without a word; that this is noticed is tested with them.
        lost = triggers.missing(connection)
        assert bool(lost) == (connection.vendor == "sqlite")
        assert bool(checks.triggers_installed(databases=["default"])) == bool(lost)
        call_command("migrate", verbosity=0, skip_checks=True)
        assert triggers.missing(connection) == []
        refused(f"DELETE FROM {triggers.ENTRIES}")
    finally:
        with connection.schema_editor() as editor:
            operation.database_backwards("ledger", editor, after, state)
        triggers.install(connection)


def test_a_rebuilt_checkpoint_table_can_be_renamed_while_the_other_triggers_stand(transactional_db):
    with connection.schema_editor() as editor:
        field = Checkpoint._meta.get_field("root")
        wider = models.CharField(max_length=65)
        wider.set_attributes_from_name("root")
        wider.model = Checkpoint
        editor.alter_field(Checkpoint, field, wider)
        editor.alter_field(Checkpoint, wider, field)
    triggers.install(connection)


def test_missing_triggers_are_an_error_with_an_id_and_a_hint(db):
    assert checks.triggers_installed(databases=["default"]) == []
    triggers.remove(connection)
    [error] = checks.triggers_installed(databases=["default"])
    assert isinstance(error, Error)
    assert (error.id, bool(error.hint)) == ("ledger.E001", True)
    triggers.install(connection)
    assert checks.triggers_installed(databases=["default"]) == []


def test_a_trigger_that_is_switched_off_or_hollowed_out_counts_as_missing(db):
    name = "ledger_entry_no_change" if connection.vendor == "postgresql" else "ledger_entry_no_update"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"ALTER TABLE {triggers.ENTRIES} DISABLE TRIGGER {name}")
        else:
            cursor.execute(f"DROP TRIGGER {name}")
            cursor.execute(f"CREATE TRIGGER {name} BEFORE UPDATE ON {triggers.ENTRIES} BEGIN SELECT 1; END")
    assert triggers.missing(connection) == [name]
    triggers.install(connection)
    assert triggers.missing(connection) == []
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE OR REPLACE FUNCTION ledger_entry_change() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RETURN NEW; END'"
            )
        assert triggers.missing(connection) == [name]
        triggers.install(connection)


def test_the_migration_can_be_undone_and_done_again(transactional_db):
    call_command("migrate", "ledger", "0001", verbosity=0)
    triggers.remove(connection)
    call_command("migrate", "ledger", verbosity=0)
    assert triggers.missing(connection) == []


def test_a_runtime_role_that_owns_the_tables_is_warned_about(db):
    found = checks.runtime_role_owns_nothing(databases=["default"])
    assert [message.id for message in found] == (["ledger.W001"] if connection.vendor == "postgresql" else [])


def test_the_flush_between_tests_empties_the_tables_and_leaves_the_triggers(transactional_db, promotion):
    three_rows(promotion)
    call_command("flush", verbosity=0, interactive=False)
    assert not LedgerEntry.objects.exists()
    assert triggers.missing(connection) == []


def test_lifting_the_triggers_restores_them_after_an_error(db):
    with pytest.raises(ZeroDivisionError), without_triggers(connection):
        raise ZeroDivisionError
    assert triggers.missing(connection) == []
