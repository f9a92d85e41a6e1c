"""What holds for the whole site: health, schedule, odd addresses and bodies, untrusted text."""

import datetime as dt
import shutil

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.utils.module_loading import import_string
from django_q.models import Schedule

from evaltrack import clock, health, schedules
from evaltrack.templatetags.evaltrack import untrusted
from tests.accounts.callers import signed_in

pytestmark = pytest.mark.django_db


def test_healthz_answers_anybody(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_says_what_works(client):
    schedules.sync()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "database": "ok",
        "migrations": "ok",
        "store": "ok",
        "worker": "ok",
    }


def test_readyz_says_that_the_worker_is_silent_and_goes_on_serving(client):
    schedules.sync()
    Schedule.objects.update(next_run=clock.now() - dt.timedelta(minutes=10))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["worker"].startswith("silent")


def test_readyz_says_that_the_store_is_missing_and_goes_on_serving(client, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.STORE_DIR = tmp_path / "file"
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert "object store" in answer.json()["store"]


def test_readyz_asks_the_store_once_for_several_seconds(client, settings, monkeypatch):
    monkeypatch.setattr("time.monotonic", lambda: 1e6)
    assert client.get("/readyz").json()["store"] == "ok"
    shutil.rmtree(settings.STORE_DIR)
    settings.STORE_DIR.write_text("in the way")
    assert client.get("/readyz").json()["store"] == "ok"
    monkeypatch.setattr("time.monotonic", lambda: 1e6 + health.STORE_SECONDS)
    assert client.get("/readyz").json()["status"] == "degraded"


def test_readyz_is_503_while_migrations_are_missing(client, monkeypatch):
    monkeypatch.setattr(health.Migrated, "known", False)
    MigrationRecorder.Migration.objects.filter(app="experiments").order_by("-id").first().delete()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert "manage.py migrate" in answer.json()["migrations"]


def test_the_schedule_is_the_table_and_nothing_else():
    Schedule.objects.create(name="left over", func="nowhere.nothing")
    schedules.sync()
    schedules.sync()
    names = set(Schedule.objects.values_list("name", flat=True))
    assert names == {job.name for job in schedules.PERIODIC}


def test_every_periodic_job_can_be_called():
    for job in schedules.PERIODIC:
        assert callable(import_string(job.function))


@pytest.mark.parametrize(
    "address", ["/datasets/a%00b/", "/experiments/?search=%00", "/api/v1/experiments?search=a%00"]
)
def test_a_nul_in_an_address_is_a_400_on_both_databases(client, address):
    answer = client.get(address)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_address"


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 5_000, "[" * 200 + "]" * 200])
def test_a_body_nested_beyond_reason_is_a_400(owner, body):
    answer = signed_in(owner).post("/api/v1/experiments", body, content_type="application/json")
    assert answer.status_code == 400
    assert set(answer.json()) == {"code", "detail", "fields"}


def test_a_field_that_is_not_known_is_refused_and_not_dropped(owner):
    answer = signed_in(owner).post(
        "/api/v1/components",
        {"name": "adder", "kind": "prompt", "owner": "owner", "risk": "low", "colour": "red"},
        content_type="application/json",
    )
    assert answer.status_code == 400
    assert answer.json()["fields"] == {"colour": ["is unknown; known are name, kind, owner, risk, suite"]}


@pytest.mark.parametrize(
    "hidden", ["\u200b", "\u202e", "\U000e0041", "\ufe0f", "\u3164", "\u2028", "\x85", "\x00"]
)
def test_what_cannot_be_seen_is_made_visible(hidden):
    assert untrusted(f"a{hidden}b") == f"a⟦U+{ord(hidden):04X}⟧b"


def test_markup_of_a_model_is_text():
    assert untrusted("<script>alert(1)</script>\n\té 漢字 👍") == (
        "&lt;script&gt;alert(1)&lt;/script&gt;\n\té 漢字 👍"
    )
