"""Statements that Django writes once say the same as those that it writes each time."""

import datetime as dt

import pytest
from django.db.models import F, QuerySet

from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import RoleGrant, User
from evaltrack.accounts.roles import Role
from evaltrack.statements import Change, Statement, Update
from tests.conftest import person


@Statement
def grants_of(*, user: int, since: dt.datetime | None, role: str) -> QuerySet[RoleGrant]:
    rows = (
        RoleGrant.objects.filter(user=user, role=role)
        .select_related("user")
        .annotate(name=F("user__username"))
    )
    return rows if since is None else rows.filter(granted_at__gte=since)


@Statement
def names(*, role: str) -> QuerySet[User, tuple]:
    found = User.objects.filter(role_grants__role=role).order_by("-username")
    return found.values_list("username", "public_id")


@Update
def renamed(*, user: int, name: str) -> Change:
    return User.objects.filter(pk=user), {"first_name": name}


@pytest.fixture
def people(db):
    return [person("ada", Role.OWNER), person("bo", Role.OWNER), person("cy", Role.LEAD)]


def test_rows_come_with_what_is_related_and_annotated(people, django_assert_num_queries):
    for user in (*people, *people):
        with django_assert_num_queries(1):
            found = grants_of(user=user.pk, since=None, role=Role.OWNER)
            assert [(row.user, row.name) for row in found] == [(user, user.username)] * (
                user.username != "cy"
            )
        plain = list(RoleGrant.objects.filter(user=user, role=Role.OWNER))
        assert [row.granted_at for row in found] == [row.granted_at for row in plain]


def test_an_argument_that_is_none_has_a_statement_of_its_own(people):
    ada, at = people[0], clock.now()
    for _ in range(2):
        assert len(grants_of(user=ada.pk, since=None, role=Role.OWNER)) == 1
        assert len(grants_of(user=ada.pk, since=at - dt.timedelta(hours=1), role=Role.OWNER)) == 1
        assert grants_of(user=ada.pk, since=at + dt.timedelta(hours=1), role=Role.OWNER) == []


def test_each_run_asks_the_database_anew(people):
    expected = [(user.username, user.public_id) for user in (people[1], people[0])]
    assert names(role=Role.OWNER) == expected
    grants.grant(people[2], Role.OWNER, by=None, at=clock.now())
    assert names(role=Role.OWNER) == [("cy", people[2].public_id), *expected]
    assert names(role="'; DROP TABLE accounts_user; --") == []


def test_an_update_says_how_many_rows_it_changed(people):
    for name in ("Ada", "Ada's"):
        assert renamed(user=people[0].pk, name=name) == 1
        people[0].refresh_from_db()
        assert people[0].first_name == name
    assert renamed(user=0, name="nobody") == 0
