"""The confidentiality agreement: versions, signatures, and what happens when the text changes."""

import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evaltrack import clock, wording
from evaltrack.accounts import agreements, grants
from evaltrack.accounts.agreement_text import SHIPPED, SHIPPED_VERSION
from evaltrack.accounts.models import Agreement, AgreementAcceptance, User
from evaltrack.accounts.roles import Role
from evaltrack.errors import Conflict, Invalid, Refused, Stale
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.factories.agreements import ADDED, publish_another

TEXT = "You keep what you read here to yourself, and judge by yourself. " * 5


def fresh(user):
    return User.objects.get(pk=user.pk)


def test_an_installation_has_a_text_in_force(db):
    current = agreements.in_force()
    assert (current.version, current.text, current.published_by) == (SHIPPED_VERSION, SHIPPED, None)
    assert current.digest == hashlib.sha256(SHIPPED.encode()).hexdigest()


@pytest.mark.parametrize("publisher", ["lead", "admin_person"])
def test_a_published_text_is_in_force_and_in_the_ledger(publisher, request, evaluator_one):
    publisher = request.getfixturevalue(publisher)
    published = publish_another(publisher)
    assert agreements.in_force() == published
    entry = LedgerEntry.objects.get(event="agreement_published")
    assert entry.actor == publisher.public_id
    assert entry.content["facts"] == {"version": published.version, "digest": published.digest}
    # The one that was signed before is as it was.
    assert Agreement.objects.get(version=SHIPPED_VERSION).text == SHIPPED


def test_nobody_else_publishes(owner, evaluator_one, auditor):
    for somebody in (owner, evaluator_one, auditor):
        with pytest.raises(Refused):
            publish_another(somebody)
    assert Agreement.objects.count() == 1


def test_a_signature_keeps_name_time_and_digest(evaluator_one):
    row = AgreementAcceptance.objects.get()
    assert (row.user, row.signed_as) == (evaluator_one, "evaluator_one")
    assert row.text_digest == row.agreement.digest == agreements.in_force().digest
    facts = LedgerEntry.objects.get(event="agreement_accepted").content["facts"]
    assert facts == {"version": SHIPPED_VERSION, "digest": row.text_digest}


def test_whoever_publishes_over_a_text_they_have_not_seen_is_told(lead, admin_person):
    seen = agreements.in_force().digest
    publish_another(admin_person)
    with pytest.raises(Stale, match="meanwhile"):
        agreements.publish(TEXT, replaces=seen, by=lead, at=clock.now())
    assert Agreement.objects.count() == 2


def test_the_same_text_again_makes_nobody_sign_again(lead, evaluator_one):
    current = agreements.in_force()
    with pytest.raises(Conflict, match="word for word"):
        agreements.publish(f"{SHIPPED}  \r\n", replaces=current.digest, by=lead, at=clock.now())
    assert grants.has_accepted_agreement(fresh(evaluator_one))


@pytest.mark.parametrize("text", ["", "Be nice.", "x" * 30_001, TEXT + "\x00", TEXT + "\ud800"])
def test_what_is_no_agreement_is_refused(lead, text):
    with pytest.raises(Invalid) as refused:
        agreements.publish(text, replaces=agreements.in_force().digest, by=lead, at=clock.now())
    assert list(refused.value.fields) == ["text"]
    assert Agreement.objects.count() == 1


def test_a_text_that_changed_while_it_was_read_is_not_signed_unread(outsider, lead):
    seen = agreements.in_force().digest
    publish_another(lead)
    with pytest.raises(Stale):
        grants.accept_agreement(outsider, at=clock.now(), digest=seen)
    assert not AgreementAcceptance.objects.exists()


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stale_page_is_shown_anew_and_signs_nothing(evaluator_one, lead):
    seen = agreements.in_force().digest
    publish_another(lead)
    for digest in (seen, ""):
        again = signed_in(evaluator_one).post("/agreement/", {"digest": digest})
        assert again.status_code == 409
        assert ADDED.split("**")[1] in again.content.decode()
    assert AgreementAcceptance.objects.count() == 1


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "review/"]
)
def test_signing_leads_nowhere_else(evaluator_one, elsewhere):
    form = {"digest": agreements.in_force().digest, "next": elsewhere}
    assert signed_in(evaluator_one).post("/agreement/", form).url == "/queue/"


def test_the_page_of_texts_publishes_and_keeps_what_was_typed_where_it_cannot(lead, evaluator_one):
    client = signed_in(lead)
    seen = agreements.in_force().digest
    short = client.post("/agreement/texts/", {"text": "Too short", "replaces": seen})
    assert short.status_code == 422
    assert "Too short</textarea>" in short.content.decode()
    assert client.post("/agreement/texts/", {"text": TEXT, "replaces": seen}).status_code == 302
    stale = client.post("/agreement/texts/", {"text": TEXT + "And more.", "replaces": seen})
    assert stale.status_code == 409
    assert "And more." in stale.content.decode()
    page = client.get("/agreement/texts/").content.decode()
    assert "1 evaluator will be asked" in page
    assert "evaluator_one" not in page


def test_without_any_text_nobody_signs_and_the_page_says_so(db):
    Agreement.objects.all().delete()
    new = person("new", Role.EVALUATOR)
    assert not grants.has_accepted_agreement(new)
    assert "No agreement is published" in signed_in(new).get("/agreement/").content.decode()
    assert signed_in(new).post("/agreement/", {"digest": ""}).status_code == 409


# ── What changed ─────────────────────────────────────────────────────────────────────────────────────

WORDS = st.text(alphabet="ab ,.\n*é", max_size=60)


@given(WORDS, WORDS)
def test_the_pieces_are_both_texts(before, after):
    pieces = wording.changes(before, after)
    assert "".join(words for kind, words in pieces if kind != "new") == before
    assert "".join(words for kind, words in pieces if kind != "gone") == after


def test_one_word_changed_is_one_word_marked():
    pieces = wording.changes("First line.\nYou keep all of it.", "First line.\nYou keep none of it.")
    assert pieces == [
        ("same", "First line.\n"),
        ("same", "You keep "),
        ("gone", "all "),
        ("new", "none "),
        ("same", "of it."),
    ]


@pytest.mark.parametrize(("one", "other"), [("a ", "b a "), ("a\n", "b\na\n"), ("a, ", "a. ")])
def test_the_longest_texts_are_compared_in_a_moment(one, other):
    before, after = (text * (30_000 // len(text)) for text in (one, other))
    began = time.process_time()
    pieces = wording.changes(before, after)
    assert time.process_time() - began < 2
    assert "".join(words for kind, words in pieces if kind != "gone") == after
