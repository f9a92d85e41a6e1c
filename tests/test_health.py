"""Liveness and readiness."""

import datetime as dt

import pytest
from django.utils.module_loading import import_string
from django_q.models import Schedule

from evaltrack import clock, schedules

pytestmark = pytest.mark.django_db


def test_healthz_answers_anybody(client):
    assert client.get("/healthz").json() == {"status": "ok"}


def test_readyz_says_what_works(client):
    schedules.sync()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "database": "ok", "store": "ok", "worker": "ok"}


def test_readyz_says_that_the_worker_is_silent_and_goes_on_serving(client):
    schedules.sync()
    Schedule.objects.update(next_run=clock.now() - dt.timedelta(minutes=10))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["worker"].startswith("silent")


def test_readyz_is_503_without_the_store(client, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.STORE_DIR = tmp_path / "file"
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "object store" in answer.json()["store"]


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
