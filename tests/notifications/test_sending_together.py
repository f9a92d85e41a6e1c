"""Several workers at once, and workers that are killed: each message once, or again under the same id."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter

import pytest
from django.conf import settings as configured
from django.db import connection

from annotation.sla import escalation
from evaltrack import clock
from evaltrack.notifications import channels, sending
from evaltrack.notifications.models import Delivery, Notification
from evaltrack.notifications.topics import Topic
from tests.annotation.together import together
from tests.experiments.cluster import database_url
from tests.factories import annotation as factory
from tests.notifications.waiting import later
from tests.notifications.webhooks import Reply, answers, receiving

SENDS = "import django; django.setup(); from evaltrack.notifications import jobs; jobs.send_to_channels()"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_however_many_workers_run_each_message_is_sent_once(add, tell):
    assert connection.vendor == "postgresql"
    with receiving(lambda call: Reply(after_s=0.005)) as one, receiving() as other:
        add(one, name="One")
        add(other, name="Other")
        for number in range(60):
            tell(number)
        taken = together(*[sending.deliver_due] * 6)
    assert sum(taken) == 120
    for receiver in (one, other):
        assert Counter(call.id for call in receiver.calls).most_common(1)[0][1] == 1
        assert len(receiver.calls) == 60
    assert set(Delivery.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_same_occasion_told_at_once_by_several_is_one_message(add, tell):
    with receiving() as receiver:
        add(receiver)
        together(*[tell] * 6)
        sending.deliver_due()
    assert len(receiver.calls) == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_however_many_workers_escalate_each_channel_is_told_once(add, owner, custodian, platform, lead):
    """From the step of the ladder to the receiver: a row each, and a call each."""
    with receiving() as one, receiving() as other:
        campaign = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
        add(one, name="One")
        add(other, name="Other")
        factory.becomes_due(campaign)
        together(*[lambda: escalation.escalate_overdue(at=clock.now())] * 4, *[sending.deliver_due] * 2)
        sending.deliver_due()
    told = Counter(Delivery.objects.values_list("channel__name", "dedupe_key"))
    assert set(told.values()) == {1}
    assert sorted(name for name, _ in told) == ["One"] * (len(told) // 2) + ["Other"] * (len(told) // 2)
    for receiver in (one, other):
        assert len({call.id for call in receiver.calls}) == len(receiver.calls) == len(told) // 2 >= 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_that_meet_the_same_refusal_tell_of_it_once(add, tell, admin_person):
    with receiving(answers(410)) as receiver:
        add(receiver)
        for number in range(12):
            tell(number)
        together(*[sending.deliver_due] * 6)
    assert Notification.objects.filter(recipient=admin_person).count() == 1
    assert Delivery.objects.filter(send_after__isnull=False).count() == 12


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_removing_while_workers_send_leaves_nothing_waiting(add, tell, platform):
    with receiving(lambda call: Reply(after_s=0.01)) as receiver:
        channel = add(receiver)
        for number in range(40):
            tell(number)
        remove = lambda: channels.remove(channel.public_id, by=platform, at=clock.now())  # noqa: E731
        together(*[sending.deliver_due] * 3, remove)
    assert not Delivery.objects.filter(send_after__isnull=False).exists()
    sent = {str(row.public_id) for row in Delivery.objects.filter(sent_at__isnull=False)}
    assert sent <= {call.id for call in receiver.calls}


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_sending_and_marking_sends_again_under_the_same_id(add, tell, tmp_path):
    """`kill -9` while the receiver has the message already and has not answered yet."""
    process: list[subprocess.Popen] = []
    arrived = threading.Event()

    def kills(call):
        if not arrived.is_set():
            os.kill(process[0].pid, signal.SIGKILL)
            arrived.set()
        return Reply()

    with receiving(kills) as receiver:
        add(receiver, topics=list(Topic))
        tell(1)
        environment = {
            **os.environ,
            "EVALTRACK_VAR": str(tmp_path / "var"),
            "EVALTRACK_SECRET_KEY": configured.SECRET_KEY,
            "EVALTRACK_CHANNEL_HOSTS": "127.0.0.1:*",
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "evaltrack.settings",
        }
        process.append(
            subprocess.Popen([sys.executable, "-c", SENDS], cwd=configured.BASE_DIR, env=environment)
        )
        assert process[0].wait(timeout=60) == -signal.SIGKILL
        row = Delivery.objects.get()
        assert (row.state, row.attempts) == ("waiting", 1)
        assert sending.deliver_due() == 0  # booked for later: another worker may be at it
        later(minutes=3)
        assert sending.deliver_due() == 1
    first, second = receiver.calls
    assert first.id == second.id == str(row.public_id)
    assert first.body == second.body
