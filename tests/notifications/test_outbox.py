"""Telling people: once per occasion and person, in the transaction of what it tells of."""

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from evaltrack.notifications import outbox
from evaltrack.notifications.models import Notification
from evaltrack.notifications.outbox import Message
from tests.conftest import person

NEWS = Message(key="occasion:1", subject="Something happened", body="Look at it.", path="/somewhere/")


def post(message=NEWS, *, to):
    outbox.post(message, to=to, at=clock.now())


def test_a_message_waits_for_each_person_it_is_for(lead, owner, auditor):
    post(to=[lead, owner])
    assert {row.recipient for row in Notification.objects.all()} == {lead, owner}
    row = lead.notifications.get()
    assert (row.subject, row.body, row.path) == ("Something happened", "Look at it.", "/somewhere/")
    assert (row.read_at, row.sent_at, row.attempts) == (None, None, 0)
    assert row.send_after == row.created_at


def test_the_same_occasion_reaches_the_same_person_once(lead, owner):
    post(to=[lead])
    post(Message(key="occasion:1", subject="Again", body=""), to=[lead, owner])
    assert lead.notifications.get().subject == "Something happened"
    assert owner.notifications.get().subject == "Again"


def test_a_second_row_for_one_occasion_and_person_is_impossible(lead):
    post(to=[lead])
    with pytest.raises(IntegrityError), transaction.atomic():
        Notification.objects.create(recipient=lead, dedupe_key="occasion:1", created_at=clock.now())


def test_a_message_is_there_only_if_its_act_was_done(lead):
    with transaction.atomic():
        post(to=[lead])
        transaction.set_rollback(True)
    assert not Notification.objects.exists()


def test_who_has_no_address_reads_it_in_the_inbox_only(lead):
    User.objects.filter(pk=lead.pk).update(email="")
    post(to=User.objects.filter(pk=lead.pk))
    assert lead.notifications.get().send_after is None


def test_a_subject_is_one_line_and_fits(lead):
    post(Message(key="k", subject="v1\n2 of\r\nit " + "x" * 300, body=""), to=[lead])
    subject = lead.notifications.get().subject
    assert subject.startswith("v1 2 of it x")
    assert len(subject) == 200


def test_holders_are_people_who_hold_the_role_now(lead, owner, ci, admin_person):
    assert outbox.holders("lead") == [lead]
    assert set(outbox.holders("lead", "owner")) == {lead, owner}
    former = person("former", Role.LEAD)
    former.role_grants.update(revoked_at=clock.now(), revoked_by=admin_person)
    gone = person("gone", Role.LEAD)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    program = person("program", Role.LEAD)
    User.objects.filter(pk=program.pk).update(is_machine=True)
    assert outbox.holders("lead") == [lead]


def test_who_holds_two_roles_is_told_once(lead):
    lead.role_grants.create(role="owner", granted_at=clock.now())
    assert outbox.holders("lead", "owner") == [lead]
