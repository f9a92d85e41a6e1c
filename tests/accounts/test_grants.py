"""Granting and revoking roles, signing the agreement: acts with ledger entries, backed by the database."""

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.accounts import agreements, grants
from evaltrack.accounts.models import AgreementAcceptance, RoleGrant, User
from evaltrack.accounts.roles import PERMISSIONS, SCOPES, Permission, Role
from evaltrack.errors import Conflict, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories.agreements import publish_another


def grant(to, role, by):
    return grants.grant(to, role, by=by, at=clock.now())


def fresh(user):
    return User.objects.get(pk=user.pk)


def test_a_granted_role_gives_its_permissions_until_it_is_revoked(admin_person, outsider):
    row = grant(outsider, Role.LEAD, admin_person)
    assert fresh(outsider).can(Permission.MANAGE_CAMPAIGNS)
    grants.revoke(row.pk, by=admin_person, at=clock.now())
    assert not fresh(outsider).can(Permission.MANAGE_CAMPAIGNS)
    assert fresh(outsider).roles == set()


def test_granting_twice_is_once(admin_person, outsider):
    assert grant(outsider, Role.LEAD, admin_person) == grant(outsider, Role.LEAD, admin_person)
    assert LedgerEntry.objects.filter(event="role_granted", subject_id=outsider.public_id).count() == 1


def test_a_revoked_role_can_be_granted_again_and_its_history_stays(admin_person, outsider):
    first = grant(outsider, Role.LEAD, admin_person)
    grants.revoke(first.pk, by=admin_person, at=clock.now())
    assert grant(outsider, Role.LEAD, admin_person) != first
    assert outsider.role_grants.count() == 2


def test_revoking_twice_is_a_conflict(admin_person, outsider):
    row = grant(outsider, Role.LEAD, admin_person)
    grants.revoke(row.pk, by=admin_person, at=clock.now())
    with pytest.raises(Conflict) as refused:
        grants.revoke(row.pk, by=admin_person, at=clock.now())
    assert refused.value.code == "already_revoked"


def test_only_administrators_grant_and_revoke(
    admin_person, outsider, platform, approver, owner, lead, auditor
):
    row = grant(outsider, Role.LEAD, admin_person)
    for somebody in (platform, approver, owner, lead, auditor, outsider):
        with pytest.raises(Refused) as refused:
            grant(outsider, Role.APPROVER, somebody)
        assert refused.value.code == "not_administrator"
        with pytest.raises(Refused):
            grants.revoke(row.pk, by=somebody, at=clock.now())
    assert fresh(outsider).roles == {Role.LEAD}


def test_nobody_grants_a_role_to_themselves(admin_person):
    with pytest.raises(Refused) as refused:
        grant(admin_person, Role.APPROVER, admin_person)
    assert refused.value.code == "own_role"
    assert fresh(admin_person).roles == {Role.ADMIN}


def test_the_database_refuses_what_the_acts_refuse(admin_person, outsider):
    at = clock.now()
    row = grant(outsider, Role.LEAD, admin_person)
    forbidden = [
        {"user": admin_person, "role": "approver", "granted_by": admin_person},
        {"user": outsider, "role": "lead", "granted_by": admin_person},
        {"user": outsider, "role": "emperor", "granted_by": admin_person},
        {"user": outsider, "role": "owner", "granted_by": admin_person, "revoked_at": at},
        {"user": outsider, "role": "owner", "granted_by": admin_person, "revoked_by": admin_person},
    ]
    for columns in forbidden:
        with pytest.raises(IntegrityError), transaction.atomic():
            RoleGrant.objects.create(granted_at=at, **columns)
    with pytest.raises(IntegrityError), transaction.atomic():
        RoleGrant.objects.filter(pk=row.pk).update(revoked_at=at)


def test_a_superuser_is_impossible(outsider):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=outsider.pk).update(is_superuser=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_superuser("root", "", "a password for tests")


def test_djangos_own_ways_to_permissions_give_none(outsider):
    """Neither the staff flag nor a permission given in Django's words opens anything."""
    User.objects.filter(pk=outsider.pk).update(is_staff=True)
    person = fresh(outsider)
    assert person.get_all_permissions() == set()
    assert signed_in(person).get("/admin/").status_code == 302


def test_who_is_not_active_can_do_nothing(admin_person):
    User.objects.filter(pk=admin_person.pk).update(is_active=False)
    person = fresh(admin_person)
    assert not any(person.can(permission) for permission in Permission)
    assert person.get_all_permissions() == set()


def test_granting_and_revoking_are_in_the_ledger(admin_person, outsider):
    row = grant(outsider, Role.LEAD, admin_person)
    grants.revoke(row.pk, by=admin_person, at=clock.now())
    granted, revoked = LedgerEntry.objects.filter(subject_id=outsider.public_id).order_by("index")
    assert (granted.event, revoked.event) == ("role_granted", "role_revoked")
    for entry in (granted, revoked):
        assert entry.actor == admin_person.public_id
        assert entry.content["facts"] == {"role": "lead", "grant": str(row.public_id)}
        assert "outsider" not in bytes(entry.canonical).decode()
    assert verify().ok


def test_the_agreement_is_signed_once(outsider):
    grants.accept_agreement(outsider, at=clock.now())
    grants.accept_agreement(outsider, at=clock.now())
    assert AgreementAcceptance.objects.count() == 1
    assert LedgerEntry.objects.filter(event="agreement_accepted").count() == 1
    assert grants.has_accepted_agreement(outsider)


def test_a_signature_under_an_older_text_does_not_count(outsider):
    grants.accept_agreement(outsider, at=clock.now())
    publish_another(person("another_lead", Role.LEAD))
    outsider = fresh(outsider)
    assert not grants.has_accepted_agreement(outsider)


# ── The table of roles ───────────────────────────────────────────────────────────────────────────────


def test_who_runs_the_platform_never_approves():
    for role in (Role.ADMIN, Role.PLATFORM):
        assert Permission.DECIDE_PROMOTION not in PERMISSIONS[role]
    assert [role for role in Role if Permission.DECIDE_PROMOTION in PERMISSIONS[role]] == [Role.APPROVER]


def test_an_evaluator_may_judge_and_nothing_else():
    assert PERMISSIONS[Role.EVALUATOR] == {Permission.JUDGE}


def test_an_auditor_changes_nothing():
    assert all(permission.endswith(":view") for permission in PERMISSIONS[Role.AUDITOR])


def test_no_scope_lets_a_token_decide_or_grant():
    assert not SCOPES & {Permission.DECIDE_PROMOTION, Permission.MANAGE_PEOPLE}


# ── The administrator's desk ─────────────────────────────────────────────────────────────────────────


def test_granting_on_the_desk_is_the_same_act(admin_person, outsider):
    client = signed_in(admin_person)
    done = client.post("/admin/accounts/rolegrant/add/", {"user": outsider.pk, "role": "lead"})
    assert done.status_code == 302
    row = RoleGrant.objects.get(user=outsider)
    assert row.granted_by == admin_person
    assert LedgerEntry.objects.filter(event="role_granted", subject_id=outsider.public_id).exists()


def test_the_desk_refuses_a_role_for_oneself(admin_person):
    client = signed_in(admin_person)
    refused = client.post("/admin/accounts/rolegrant/add/", {"user": admin_person.pk, "role": "approver"})
    assert refused.status_code in (200, 403)
    assert fresh(admin_person).roles == {Role.ADMIN}


def test_revoking_on_the_desk_is_the_same_act(admin_person, outsider):
    row = grant(outsider, Role.LEAD, admin_person)
    signed_in(admin_person).post(
        "/admin/accounts/rolegrant/", {"action": "revoke", "_selected_action": [row.pk]}
    )
    row.refresh_from_db()
    assert row.revoked_by == admin_person
    assert LedgerEntry.objects.filter(event="role_revoked", subject_id=outsider.public_id).exists()


def test_the_desk_makes_no_superuser(admin_person, outsider):
    client = signed_in(admin_person)
    page = f"/admin/accounts/user/{outsider.pk}/change/"
    form = {"username": "outsider", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
    client.post(page, form)
    person = fresh(outsider)
    assert not person.is_superuser
    assert person.get_all_permissions() == set()


# ── Signing on the page ──────────────────────────────────────────────────────────────────────────────


def test_an_evaluator_signs_and_goes_on_to_the_queue(admin_person, outsider):
    grant(outsider, Role.EVALUATOR, admin_person)
    client = signed_in(fresh(outsider))
    assert "Sign as" in client.get("/agreement/").content.decode()
    assert not grants.has_accepted_agreement(outsider)
    digest = agreements.in_force().digest
    assert client.post("/agreement/", {"digest": digest}).url == "/queue/"
    assert grants.has_accepted_agreement(outsider)
    assert "You have signed this version" in client.get("/agreement/").content.decode()
