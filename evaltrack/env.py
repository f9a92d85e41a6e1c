"""Typed readers of environment variables: the only place that touches `os.environ`."""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# Below the environment stands a file of NAME=value lines, so that an instance works without any variable set.
FILE = (
    Path(os.environ.get("EVALTRACK_VAR") or Path(__file__).resolve().parent.parent / "var") / "settings.env"
)

SHORTEST_TOKEN = 20


def read_file(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines() if path.exists() else []
    pairs = (line.partition("=") for line in lines if line.strip() and not line.startswith("#"))
    return {name.strip(): value.strip() for name, _, value in pairs}


VALUES = {**read_file(FILE), **os.environ}


def text(name: str, default: str) -> str:
    return VALUES.get(name, default)


def token(name: str, default: str) -> str:
    """What somebody else has to send; nothing, or long enough not to be guessed."""
    found = text(name, default).strip()
    if found and len(found) < SHORTEST_TOKEN:
        raise ImproperlyConfigured(f"{name} is too short; write at least {SHORTEST_TOKEN} characters.")
    return found


def flag(name: str, default: bool) -> bool:
    raw = text(name, "").strip().lower()
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    if raw:
        raise ImproperlyConfigured(f"{name} is {raw!r}; write 1 or 0.")
    return default


def whole_number(name: str, default: int) -> int:
    raw = text(name, "")
    try:
        return int(raw) if raw else default
    except ValueError:
        raise ImproperlyConfigured(f"{name} is {raw!r}; write a whole number.") from None


def words(name: str, default: str) -> list[str]:
    """A comma-separated list; blanks are dropped."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def pairs(name: str, default: str) -> dict[str, str]:
    """A comma-separated list of name=value."""
    found = {}
    for word in words(name, default):
        key, equals, value = word.partition("=")
        if not (equals and key.strip() and value.strip()):
            raise ImproperlyConfigured(f"{name} has {word!r}; write name=value, separated by commas.")
        found[key.strip()] = value.strip()
    return found


def secret_or_file(name: str, path: Path) -> str:
    """The variable, or else the content of `path`, which is made with a random secret at first use.

    The file lets the embedded default run without any configuration; several hosts share the variable.
    """
    if value := VALUES.get(name):
        return value
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # O_EXCL: two processes that start together must agree on one secret.
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        else:
            with os.fdopen(handle, "w") as file:
                file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()


# A new connection costs PostgreSQL a process, more than all that a request asks of it. A thread keeps its own, and
# asks before its first use in a request whether it still stands, so that a restart of the database is survived.
KEPT: dict[str, Any] = {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}


def database(name: str, default_file: Path) -> dict[str, Any]:
    """Django's DATABASES entry from a URL: `sqlite:///file` or `postgresql://user:password@host/name`.

    A PostgreSQL socket folder goes into the query: `postgresql:///name?host=/run/postgresql`. With `?prepare=no`
    no statement is prepared and no option of the session is set, as a pooler that shares a session between
    transactions may need.
    """
    url = urlsplit(text(name, f"sqlite:///{default_file}"))
    if url.scheme == "sqlite":
        # Three slashes: a path from here; four: from the root.
        return sqlite(Path(unquote(url.path[1:])))
    if url.scheme in {"postgres", "postgresql"}:
        query = dict(parse_qsl(url.query))
        # The statements of a claim take PostgreSQL as long to plan as to run; prepared, it plans them once.
        # To compile a statement takes it 100 ms, which those of pages that it takes for dear do not need to run.
        prepared = {"server_side_binding": True, "prepare_threshold": 5, "options": "-c jit=off"}
        if query.pop("prepare", "yes") == "no":
            prepared = {}
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(url.path.removeprefix("/")),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": query.pop("host", None) or url.hostname or "",
            "PORT": query.pop("port", None) or url.port or "",
            "OPTIONS": {**prepared, **query},
            **KEPT,
        }
    raise ImproperlyConfigured(f"{name} has the scheme {url.scheme!r}; write sqlite:///… or postgresql://…")


def sqlite(file: Path) -> dict[str, Any]:
    """SQLite as a server's database: readers never wait, writers queue, an acknowledged commit survives.

    Without IMMEDIATE, two transactions that read and then write deadlock at once instead of waiting.
    recursive_triggers makes INSERT OR REPLACE fire the delete triggers that protect the ledger.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(file),
        **KEPT,
        "OPTIONS": {
            "timeout": 20,
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA recursive_triggers=ON;"
                "PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;"
            ),
        },
        # In memory there is no WAL and no lock: such a test would prove nothing.
        "TEST": {"NAME": str(file.with_name("test-" + file.name))},
    }
