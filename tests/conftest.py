"""The cast and the stage: people by role, settings for tests, and the database that a run has chosen."""

import os
from pathlib import Path

import hypothesis
import pytest
from django.db import connection

from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from tests.halves import only_half
from tests.ledger.append_only import flush_lifts_ledger_triggers  # noqa: F401
from tests.of_before import empty_database  # noqa: F401

# A slow machine is no failure.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")


def pytest_collection_modifyitems(config, items):
    half = os.environ.get("TESTS_RUN_ONCE", "all")
    if half != "all":
        here = [item for item in items if only_half(item) in {"", half}]
        config.hook.pytest_deselected(items=[item for item in items if only_half(item) not in {"", half}])
        items[:] = here
    data = os.environ.get("EVALTRACK_DATA", "")
    for item in items:
        if "shared_data" in item.keywords and not (data and Path(data).is_dir()):
            item.add_marker(pytest.mark.skip(reason="EVALTRACK_DATA names no folder with real data"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Whatever a killed process has left connected is ended: PostgreSQL drops no database that somebody uses."""
    yield
    if connection.vendor == "postgresql":
        with django_db_blocker.unblock(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid), query FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            for _, query in cursor.fetchall():
                print(f"\nA connection was left open by a test; it did last: {query[:300]}")


@pytest.fixture(scope="session")
def empty_folder(tmp_path_factory):
    """What the server takes for its folder of static files: it wants to see one."""
    return tmp_path_factory.mktemp("static")


@pytest.fixture(autouse=True)
def stage(settings, tmp_path, empty_folder, request):
    """Each test has its own store and keys, weak but quick password hashes, and plain static files."""
    settings.STORE_DIR = tmp_path / "store"
    settings.STATIC_ROOT = empty_folder
    settings.LEDGER_KEY_FILE = tmp_path / "ledger-key.pem"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.TARGET_HOSTS = settings.CHANNEL_HOSTS = ["127.0.0.1:*"]
    if request.node.get_closest_marker("postgresql") and connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL can show this")


PASSWORD = "a password for tests"


def person(username: str, *roles: Role) -> User:
    user = User.objects.create_user(username, f"{username}@example.invalid", PASSWORD)
    for role in roles:
        grants.grant(user, role, by=None, at=clock.now())
    return user


@pytest.fixture
def admin_person(db):
    return person("admin", Role.ADMIN)


@pytest.fixture
def platform(db):
    return person("platform", Role.PLATFORM)


@pytest.fixture
def owner(db):
    return person("owner", Role.OWNER)


@pytest.fixture
def approver(db):
    return person("approver", Role.APPROVER)


@pytest.fixture
def lead(db):
    return person("lead", Role.LEAD)


@pytest.fixture
def custodian(db):
    return person("custodian", Role.CUSTODIAN)


@pytest.fixture
def auditor(db):
    return person("auditor", Role.AUDITOR)


@pytest.fixture
def evaluator_one(db):
    return signed(person("evaluator_one", Role.EVALUATOR))


@pytest.fixture
def evaluator_two(db):
    return signed(person("evaluator_two", Role.EVALUATOR))


@pytest.fixture
def outsider(db):
    """Somebody with an account and no role."""
    return person("outsider")


@pytest.fixture
def ci(db):
    """A machine."""
    return User.objects.create(username="ci", is_machine=True)


def signed(evaluator: User) -> User:
    grants.accept_agreement(evaluator, at=clock.now())
    return evaluator
