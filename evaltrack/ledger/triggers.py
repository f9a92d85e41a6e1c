"""Triggers that make the ledger's tables append-only, whatever asks: ORM, admin or raw SQL.

Each one reads its own table only: SQLite refuses to rename a table while a trigger elsewhere names it,
which is what Django's table rebuild does.
"""

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

ENTRIES, CHECKPOINTS, DISCLOSURES = "ledger_ledgerentry", "ledger_checkpoint", "ledger_disclosure"

# Every column of an entry but `names`, from which a person's name can be taken away (never put in).
HASHED_COLUMNS = [
    *["index", "event_id", "event", "schema_version", "recorded_at", "actor", "actor_role"],
    *["subject_type", "subject_id", "canonical", "leaf_hash"],
]


@dataclass(frozen=True)
class Trigger:
    name: str
    table: str
    # SQLite: the text after CREATE TRIGGER name. PostgreSQL: the function that is executed.
    body: str
    # PostgreSQL: when it fires, as SQL and as the bits of pg_trigger.tgtype.
    moment: str = ""
    bits: int = 0


def sqlite_trigger(name: str, table: str, moment: str, says: str, when: str = "") -> Trigger:
    condition = f" WHEN {when}" if when else ""
    body = f"BEFORE {moment} ON \"{table}\"{condition} BEGIN SELECT RAISE(ABORT, 'The ledger is {says}'); END"
    return Trigger(name, table, body)


UNCHANGED = " AND ".join(f'NEW."{column}" IS OLD."{column}"' for column in HASHED_COLUMNS)
NAMES_ONLY_LESS = (
    'NOT EXISTS (SELECT 1 FROM json_each(NEW."names") AS kept WHERE NOT EXISTS (SELECT 1'
    ' FROM json_each(OLD."names") AS had WHERE had.key = kept.key AND had.value IS kept.value))'
)
# INSERT OR REPLACE deletes without asking the delete trigger unless recursive_triggers is on, which
# is each connection's own affair: so an insert must never meet a row by any unique key.
SQLITE = [
    sqlite_trigger("ledger_entry_no_update", ENTRIES, "UPDATE", "append-only: no entry can be changed.",
                   f"NOT ({UNCHANGED} AND {NAMES_ONLY_LESS})"),
    sqlite_trigger("ledger_entry_no_delete", ENTRIES, "DELETE", "append-only: no entry can be deleted."),
    sqlite_trigger("ledger_entry_in_order", ENTRIES, "INSERT", "gapless: only the next index can be added.",
                   f'NEW."index" IS NOT (SELECT coalesce(max("index"), -1) + 1 FROM "{ENTRIES}") OR'
                   f' EXISTS (SELECT 1 FROM "{ENTRIES}" WHERE "event_id" = NEW."event_id")'),
    sqlite_trigger("ledger_checkpoint_no_update", CHECKPOINTS, "UPDATE",
                   "append-only: no checkpoint can be changed."),
    sqlite_trigger("ledger_checkpoint_no_delete", CHECKPOINTS, "DELETE",
                   "append-only: no checkpoint can be deleted."),
    sqlite_trigger("ledger_checkpoint_in_order", CHECKPOINTS, "INSERT", "append-only: checkpoints only grow.",
                   f'EXISTS (SELECT 1 FROM "{CHECKPOINTS}" WHERE "id" = NEW."id" OR "size" > NEW."size")'),
    sqlite_trigger("ledger_disclosure_no_update", DISCLOSURES, "UPDATE",
                   "append-only: a statement can be deleted, never changed."),
    sqlite_trigger("ledger_disclosure_in_order", DISCLOSURES, "INSERT",
                   "append-only: a statement can be deleted, never changed.",
                   f'EXISTS (SELECT 1 FROM "{DISCLOSURES}" WHERE "id" = NEW."id" OR'
                   ' ("entry_index" = NEW."entry_index" AND "field" = NEW."field"))'),
]  # fmt: skip

# Class 23 of the error codes is what Django calls IntegrityError, as SQLite's RAISE is.
REFUSE = """RAISE EXCEPTION USING ERRCODE = 'restrict_violation',
    MESSAGE = format('The ledger is append-only: %s on %I was refused.', TG_OP, TG_TABLE_NAME);"""
FUNCTIONS = {
    "ledger_refuse": f"BEGIN {REFUSE} END",
    "ledger_entry_change": f"""BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF to_jsonb(NEW) - 'names' = to_jsonb(OLD) - 'names' AND OLD.names @> NEW.names THEN
      RETURN NEW;
    END IF;
  END IF;
  {REFUSE}
END""",
    "ledger_entry_in_order": f"""DECLARE next integer;
BEGIN
  EXECUTE format('SELECT coalesce(max("index"), -1) + 1 FROM %I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME)
    INTO next;
  IF NEW."index" = next THEN RETURN NEW; END IF;
  {REFUSE}
END""",
}
CHANGE, TRUNCATE, INSERT = "UPDATE OR DELETE", "TRUNCATE", "INSERT"
ROW_CHANGE, ROW_UPDATE, ROW_INSERT, TABLE_TRUNCATE = 1 | 2 | 8 | 16, 1 | 2 | 16, 1 | 2 | 4, 2 | 32
POSTGRESQL = [
    Trigger("ledger_entry_no_change", ENTRIES, "ledger_entry_change", CHANGE, ROW_CHANGE),
    Trigger("ledger_entry_no_truncate", ENTRIES, "ledger_refuse", TRUNCATE, TABLE_TRUNCATE),
    Trigger("ledger_entry_in_order", ENTRIES, "ledger_entry_in_order", INSERT, ROW_INSERT),
    Trigger("ledger_checkpoint_no_change", CHECKPOINTS, "ledger_refuse", CHANGE, ROW_CHANGE),
    Trigger("ledger_checkpoint_no_truncate", CHECKPOINTS, "ledger_refuse", TRUNCATE, TABLE_TRUNCATE),
    Trigger("ledger_disclosure_no_update", DISCLOSURES, "ledger_refuse", "UPDATE", ROW_UPDATE),
    Trigger("ledger_disclosure_no_truncate", DISCLOSURES, "ledger_refuse", TRUNCATE, TABLE_TRUNCATE),
]


def install(connection: BaseDatabaseWrapper) -> None:
    """Put every trigger in place, over whatever bears its name."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for trigger in SQLITE:
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name}")
                cursor.execute(f"CREATE TRIGGER {trigger.name} {trigger.body}")
        elif connection.vendor == "postgresql":
            for name, body in FUNCTIONS.items():
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql "
                    f"AS $ledger${body}$ledger$"
                )
            for trigger in POSTGRESQL:
                level = "STATEMENT" if trigger.moment == TRUNCATE else "ROW"
                cursor.execute(
                    f"CREATE OR REPLACE TRIGGER {trigger.name} BEFORE {trigger.moment} ON {trigger.table} "
                    f"FOR EACH {level} EXECUTE FUNCTION {trigger.body}()"
                )
                # ALWAYS: session_replication_role = replica must not switch it off.
                cursor.execute(f"ALTER TABLE {trigger.table} ENABLE ALWAYS TRIGGER {trigger.name}")


def remove(connection: BaseDatabaseWrapper) -> None:
    """Take them away: for the migration backwards, and for tests that empty the tables."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for trigger in SQLITE:
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name}")
        elif connection.vendor == "postgresql":
            for trigger in POSTGRESQL:
                cursor.execute(f"DROP TRIGGER IF EXISTS {trigger.name} ON {trigger.table}")
            for name in FUNCTIONS:
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of triggers that are absent, altered or switched off, for tables that exist."""
    tables = set(connection.introspection.table_names())
    wanted: dict[str, tuple]
    if connection.vendor == "sqlite":
        installed = sqlite_installed(connection)
        wanted = {t.name: (t.table, f"CREATE TRIGGER {t.name} {t.body}") for t in SQLITE}
    elif connection.vendor == "postgresql":
        installed = postgresql_installed(connection)
        wanted = {t.name: (t.table, t.body, FUNCTIONS[t.body], t.bits, "A", True) for t in POSTGRESQL}
    else:
        return [f"triggers for {connection.vendor}, which is not supported"]
    return [name for name, what in wanted.items() if what[0] in tables and installed.get(name) != what]


def sqlite_installed(connection: BaseDatabaseWrapper) -> dict[str, tuple]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
        return {name: (table, sql) for name, table, sql in cursor.fetchall()}


def postgresql_installed(connection: BaseDatabaseWrapper) -> dict[str, tuple]:
    """Table, function, its text, when it fires, whether it is on, and whether it fires unconditionally."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT tgname, relname, proname, prosrc, tgtype, tgenabled,
                tgqual IS NULL AND tgattr::text = ''
            FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid JOIN pg_proc ON pg_proc.oid = tgfoid
            WHERE NOT tgisinternal AND pg_table_is_visible(tgrelid)"""
        )
        return {name: tuple(rest) for name, *rest in cursor.fetchall()}
