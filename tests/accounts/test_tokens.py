"""Tokens: what is kept of them, how long they last, and what they open."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from evaltrack import clock
from evaltrack.accounts import tokens
from evaltrack.accounts.models import ApiToken, User
from evaltrack.accounts.roles import SCOPES, Permission
from evaltrack.canonical import sha256_hex
from evaltrack.errors import Invalid
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer

VIEW = Permission.VIEW_EXPERIMENTS
EXPERIMENTS = "/api/v1/experiments"


def issue(user, *scopes, **given):
    given = {"name": "test", "by": None, "at": clock.now()} | given
    return tokens.issue(user, scopes=scopes or (VIEW,), **given)


def ask(raw, path=EXPERIMENTS, scheme="Bearer"):
    return Client().get(path, headers={"Authorization": f"{scheme} {raw}"})


def test_only_the_digest_of_the_secret_is_kept(ci):
    raw = issue(ci)
    kind, prefix, secret = raw.split("_", 2)
    (row,) = ApiToken.objects.values()
    assert kind == "evt"
    assert (row["prefix"], row["secret_digest"]) == (prefix, sha256_hex(secret.encode()))
    assert secret not in str(row)
    assert not any(secret in bytes(entry.canonical).decode() for entry in LedgerEntry.objects.all())


def test_no_two_tokens_are_alike(ci):
    assert len({issue(ci) for _ in range(20)}) == 20


def test_a_token_opens_what_its_scopes_say(ci):
    assert ask(issue(ci)).status_code == 200
    assert ask(issue(ci), "/api/v1/promotions").status_code == 403


def test_the_secret_must_fit_the_prefix(ci):
    one, other = issue(ci), issue(ci)
    mixed = "_".join([*one.split("_")[:2], other.split("_", 2)[2]])
    assert ask(mixed).status_code == 401


def test_every_token_expires(ci):
    at = clock.now()
    lasting = issue(ci, at=at - dt.timedelta(minutes=59), life=dt.timedelta(hours=1))
    ended = issue(ci, at=at - dt.timedelta(hours=1), life=dt.timedelta(hours=1))
    assert tokens.find(lasting) is not None
    assert tokens.find(ended) is None
    issue(ci, at=at, life=dt.timedelta(days=10_000))
    assert ApiToken.objects.latest("pk").expires_at == at + tokens.LONGEST_LIFE


def test_an_expired_token_opens_nothing(ci):
    raw = issue(ci, at=clock.now() - dt.timedelta(days=91))
    assert ask(raw).status_code == 401


def test_a_revoked_token_opens_nothing(ci, admin_person):
    raw = issue(ci)
    tokens.revoke(ApiToken.objects.get(), by=admin_person, at=clock.now())
    tokens.revoke(ApiToken.objects.get(), by=admin_person, at=clock.now())
    assert ask(raw).status_code == 401
    assert LedgerEntry.objects.filter(event="token_revoked").count() == 1


def test_the_token_of_somebody_who_left_opens_nothing(owner):
    raw = issue(owner)
    assert ask(raw).status_code == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert ask(raw).status_code == 401


def test_a_person_can_do_through_a_token_what_both_allow(owner, lead):
    assert ask(issue(owner, VIEW)).status_code == 200
    assert ask(issue(owner, Permission.VIEW_CAMPAIGNS)).status_code == 403
    assert ask(issue(owner, Permission.VIEW_LEDGER), "/api/v1/ledger/proof").status_code == 403
    assert ask(issue(lead, Permission.VIEW_PROMOTIONS), "/api/v1/promotions").status_code == 403


def test_a_role_that_is_revoked_closes_the_persons_tokens_too(owner, platform):
    raw = issue(owner)
    owner.role_grants.update(revoked_at=clock.now(), revoked_by=platform)
    assert ask(raw).status_code == 403


def test_a_machine_has_no_roles_and_goes_by_its_scopes(ci):
    assert ci.roles == set()
    assert ask(issue(ci, Permission.VIEW_LEDGER), "/api/v1/ledger/proof").status_code != 403


def test_no_token_opens_a_page(owner):
    for path in ("/experiments/", "/", "/admin/"):
        response = ask(issue(owner), path)
        assert response.status_code == 302
        assert "login" in response.url


@pytest.mark.parametrize("scope", [Permission.DECIDE_PROMOTION, Permission.MANAGE_PEOPLE, "everything", ""])
def test_no_token_can_be_made_to_decide(approver, scope):
    with pytest.raises(Invalid) as refused:
        issue(approver, scope)
    assert refused.value.code == "unknown_scope"
    assert not ApiToken.objects.exists()


def test_a_deciding_scope_written_into_the_row_decides_nothing(approver):
    """The API has no call that decides, whatever a row says."""
    raw = issue(approver, *SCOPES)
    ApiToken.objects.update(scopes=[*SCOPES, Permission.DECIDE_PROMOTION])
    for call in ("promotions/p/approve", "promotions/p/reject", "promotions/p/decide"):
        response = Client().post(f"/api/v1/{call}", headers={"Authorization": f"Bearer {raw}"})
        assert response.status_code == 404


def test_a_token_cannot_expire_before_it_begins(ci):
    with pytest.raises(IntegrityError), transaction.atomic():
        issue(ci, life=dt.timedelta(0))


def test_a_revoked_token_says_by_whom(ci):
    issue(ci)
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiToken.objects.update(revoked_at=clock.now())


def test_the_time_of_last_use_is_kept_but_not_written_at_every_call(ci):
    raw = issue(ci)
    assert ApiToken.objects.get().last_used_at is None
    ask(raw)
    first = ApiToken.objects.get().last_used_at
    ask(raw)
    assert ApiToken.objects.get().last_used_at == first is not None
    ApiToken.objects.update(last_used_at=first - dt.timedelta(minutes=2))
    ask(raw)
    assert ApiToken.objects.get().last_used_at >= first


# ── Errors ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "raw",
    ["evt_0123456789ab_secret", "evt_", "evt__", "evt_a", "ghp_a_b", "x", "", "a b", "ünïcode", "évt_a_b"],
)
def test_a_token_that_is_none_is_refused_in_the_shape_of_the_api(db, raw):
    response = ask(raw.encode().decode("latin-1"))
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json() == {
        "code": "authentication_failed",
        "detail": "This token is unknown, expired or revoked. Ask for a new one.",
        "fields": {},
    }


def test_a_call_without_a_token_is_told_that_one_is_needed(db):
    response = Client().get(EXPERIMENTS)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json().keys() == {"code", "detail", "fields"}
    assert response.json()["code"] == "not_authenticated"


def test_a_call_beyond_the_scopes_names_what_is_missing(ci):
    response = ask(issue(ci, Permission.JUDGE))
    assert response.status_code == 403
    assert response.json() == {
        "code": "not_permitted",
        "detail": "Your role does not include: see experiments, comparisons and verdicts.",
        "fields": {},
    }


def test_the_word_bearer_may_be_written_in_any_case(ci):
    assert ask(issue(ci), scheme="bearer").status_code == 200


# ── From the command line ────────────────────────────────────────────────────────────────────────────


def test_the_command_prints_a_token_that_works_as_its_last_word(evaluator_one, capsys):
    call_command("issue_token", evaluator_one.username, "--scope", "judge")
    raw = capsys.readouterr().out.split()[-1]
    found = Client().post(
        "/api/v1/queue/next", {}, "application/json", headers={"Authorization": f"Bearer {raw}"}
    )
    assert (found.status_code, found.json()["reason"]) == (200, "all_done")
    assert ask(raw).status_code == 403


def test_a_new_token_is_in_the_ledger(ci):
    issue(ci, VIEW, Permission.JUDGE)
    entry = LedgerEntry.objects.get(event="token_created")
    assert entry.content["facts"] == {
        "user": str(ci.public_id),
        "scopes": ["experiments:view", "judge"],
    }
    assert bearer(ci, VIEW).get(EXPERIMENTS).status_code == 200
