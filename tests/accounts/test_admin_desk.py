"""What the administrator may do to accounts leaves a trace, and makes nobody of a machine."""

import pytest
from django.urls import reverse

from evaltrack import clock
from evaltrack.accounts import grants, tokens
from evaltrack.accounts.models import RoleGrant, User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Refused
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import signed_in
from tests.conftest import PASSWORD

NEW = "another password for tests"


def test_setting_somebodys_password_is_an_entry(admin_person, approver):
    page = reverse("admin:auth_user_password_change", args=[approver.pk])
    answer = signed_in(admin_person).post(
        page, {"password1": NEW, "password2": NEW, "usable_password": "true"}
    )
    assert answer.status_code == 302
    approver.refresh_from_db()
    assert approver.check_password(NEW)
    entry = LedgerEntry.objects.get(event=Event.PASSWORD_SET)
    assert (entry.actor, entry.subject_id) == (admin_person.public_id, str(approver.public_id))


def test_a_new_account_is_an_entry_and_no_machine(admin_person):
    form = {
        "username": "newcomer",
        "password1": NEW,
        "password2": NEW,
        "usable_password": "true",
        "is_machine": "on",
    }
    assert signed_in(admin_person).post(reverse("admin:accounts_user_add"), form).status_code == 302
    made = User.objects.get(username="newcomer")
    assert not made.is_machine
    assert LedgerEntry.objects.get(event=Event.ACCOUNT_CREATED).subject_id == str(made.public_id)


def test_a_machine_cannot_sign_in_even_with_a_password(client, ci):
    ci.set_password(PASSWORD)
    ci.save()
    client.post("/login/", {"username": "ci", "password": PASSWORD})
    assert "_auth_user_id" not in client.session


def test_nobody_revokes_a_role_of_their_own(admin_person):
    grant = RoleGrant.objects.get(user=admin_person)
    with pytest.raises(Refused, match="of your own"):
        grants.revoke(grant.pk, by=admin_person, at=clock.now())
    assert admin_person.can(Permission.MANAGE_PEOPLE)


def test_a_token_is_revoked_from_the_desk_and_by_nobody_else(admin_person, owner, ci):
    tokens.issue(ci, name="build", scopes=[Permission.VIEW_EXPERIMENTS], by=None, at=clock.now())
    token = ci.tokens.get()
    with pytest.raises(Refused):
        tokens.revoke(token, by=owner, at=clock.now())
    form = {"action": "revoke", "_selected_action": [token.pk]}
    signed_in(admin_person).post(reverse("admin:accounts_apitoken_changelist"), form)
    token.refresh_from_db()
    assert token.revoked_by == admin_person
    assert LedgerEntry.objects.filter(event=Event.TOKEN_REVOKED).exists()
