"""Digests made and sent by several workers at once, or by one that is killed."""

import datetime as dt
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest
from django.conf import settings as configured
from django.core import mail
from django.db import connection

from evaltrack import clock
from evaltrack.notifications import delivery
from evaltrack.notifications.models import Digest, Notification
from tests.annotation.together import together
from tests.experiments.cluster import database_url
from tests.notifications.readers import SERVERS, choose, tell


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_several_workers_make_and_send_one_digest(lead, owner, travel):
    assert connection.vendor == "postgresql"
    for person in (lead, owner):
        choose(person, mode="digest")
        for number in range(30):
            tell(person, number)
    travel("2026-03-28 07:00")
    sent = together(*[delivery.deliver_due] * 6)
    while delivery.deliver_due():
        pass
    assert [each for each in sent if isinstance(each, Exception)] == []
    assert Counter(address for each in mail.outbox for address in each.to) == {lead.email: 1, owner.email: 1}
    assert Digest.objects.count() == 2
    assert not Notification.objects.filter(digest=None).exists()


SENDS = "import django; django.setup(); from evaltrack.notifications import jobs; jobs.deliver()"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("server", ["DiesBefore", "DiesAfter"])
def test_a_worker_killed_with_a_digest_loses_nothing_and_sends_it_under_one_id(server, lead, tmp_path):
    """`kill -9` once the digest is made, or once it is sent and not marked yet."""
    choose(lead, mode="digest", digest_hour=clock.now().hour, zone="UTC")
    yesterday = clock.now() - dt.timedelta(days=1, hours=2)
    for number in range(3):
        tell(lead, number, at=yesterday)
    environment = {
        **os.environ,
        "EVALTRACK_VAR": str(tmp_path / "var"),
        "EVALTRACK_EMAIL_BACKEND": f"{SERVERS}.{server}",
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "evaltrack.settings",
    }
    worker = [sys.executable, "-c", SENDS]
    ended = subprocess.run(worker, cwd=configured.BASE_DIR, env=environment, check=False, timeout=60)
    assert ended.returncode == -signal.SIGKILL
    digest = Digest.objects.get()
    assert (digest.sent_at, digest.notifications.count()) == (None, 3)
    assert delivery.deliver_due() == 0  # booked for later: another worker may be at it
    Digest.objects.update(send_after=clock.now() - dt.timedelta(seconds=1))
    assert [delivery.deliver_due(), delivery.deliver_due()] == [1, 0]
    arrived = [file.read_text() for file in (tmp_path / "var" / "mail").glob("*")]
    assert len(arrived) == (server == "DiesAfter")
    ids = [f"Message-ID: {mail.outbox[0].extra_headers['Message-ID']}"]
    assert ids == [f"Message-ID: <{digest.public_id}@evaltrack>"]
    assert all(ids[0] in text for text in arrived)
    assert Digest.objects.count() == 1
