"""Submitting a judgment: by the act, by the API, and by the form on the judging screen."""

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotation import judging
from annotation.judging import LONGEST_COMMENT, Answer
from annotation.models import Assignment, Choice, Judgment, Slot, SlotState
from annotation.protocols import pairwise
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Invalid, Refused
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory


@pytest.fixture
def shown(campaign, evaluator_one):
    return factory.next_for(evaluator_one)


def submit(shown, by=None, judgment_id=None, at=None, **answer):
    return judging.submit(
        shown.public_id,
        judgment_id=judgment_id or shown.judgment_id,
        answer=Answer(**({"preference": "tie"} | answer)),
        by=by or shown.evaluator,
        at=at or clock.now(),
    )


@pytest.fixture
def api(shown):
    """Posts to the shown assignment with a token of its evaluator."""
    client = bearer(shown.evaluator, Permission.JUDGE)

    def post(**body):
        return client.post(
            f"/api/v1/assignments/{shown.public_id}/judgment",
            {"judgment_id": str(shown.judgment_id), "preference": 1} | body,
            content_type="application/json",
        )

    return post


# ── What is stored ───────────────────────────────────────────────────────────────────────────────────


@given(places=st.sampled_from(["01", "10"]), preference=st.sampled_from([1, 2, "1", "2"]))
def test_a_preference_names_the_response_wherever_it_stood(places, preference):
    chosen = pairwise.chosen(preference, places)
    shown_in_place = (
        {1: Choice.FIRST, 2: Choice.SECOND} if places == "01" else {1: Choice.SECOND, 2: Choice.FIRST}
    )
    assert chosen == shown_in_place[int(preference)]


def test_both_orders_of_a_task_lead_to_the_same_stored_preference(campaign, both):
    factory.judge_everything(both, factory.prefers_candidate)
    for task in campaign.tasks.prefetch_related("judgments"):
        one, other = task.judgments.all()
        assert one.places == other.places[::-1]
        assert (
            one.choice
            == other.choice
            == ("first" if factory.sources_of(task)[0] == "candidate" else "second")
        )


@pytest.mark.parametrize("preference", ["tie", "both_bad"])
def test_no_preference_is_an_answer_too(shown, preference):
    assert submit(shown, preference=preference)[0].choice == preference


def test_a_judgment_ends_the_assignment_and_the_slot(shown):
    judgment, created = submit(shown, preference=1, comment="shorter", active_ms=0)
    shown.refresh_from_db()
    slot = Slot.objects.get(pk=shown.slot_id)
    assert created
    assert judgment.public_id == shown.judgment_id
    assert (judgment.comment, judgment.evaluator, judgment.task) == ("shorter", shown.evaluator, shown.task)
    assert (shown.state, slot.state, slot.token) == ("submitted", SlotState.DONE, None)


# ── Sent again ───────────────────────────────────────────────────────────────────────────────────────


def test_the_same_judgment_id_again_answers_with_the_stored_record(api):
    first, again, changed = api(comment="mine"), api(comment="mine"), api(preference=2, comment="another")
    assert [response.status_code for response in (first, again, changed)] == [201, 200, 200]
    assert first.json() == again.json() == changed.json()
    assert first.json()["preference"] == 1
    assert Judgment.objects.count() == 1


def test_a_judgment_id_of_another_assignment_is_refused(api, shown):
    response = api(judgment_id=str(uuid.uuid4()))
    assert response.status_code == 400
    assert response.json()["code"] == "wrong_judgment_id"
    assert response.json()["fields"].keys() == {"judgment_id"}
    assert not Judgment.objects.exists()
    assert Slot.objects.get(pk=shown.slot_id).state == SlotState.HELD


# ── Refused ──────────────────────────────────────────────────────────────────────────────────────────


def state_of_everything():
    return (
        list(Slot.objects.order_by("pk").values()),
        list(Assignment.objects.order_by("pk").values()),
        list(Judgment.objects.values()),
    )


def test_somebody_elses_assignment_is_refused_and_nothing_changes(shown, evaluator_two):
    before = state_of_everything()
    with pytest.raises(Refused) as refused:
        submit(shown, by=evaluator_two)
    assert refused.value.code == "not_yours"
    assert state_of_everything() == before


@pytest.mark.parametrize("call", ["judgment", "skip", "release", "heartbeat"])
def test_somebody_elses_assignment_looks_like_none(shown, evaluator_two, call):
    client = bearer(evaluator_two, Permission.JUDGE)
    judgment = {"judgment_id": str(shown.judgment_id), "preference": 1}
    body = {"judgment": judgment, "skip": {"reason": "mine?"}}.get(call, {})
    before = state_of_everything()
    theirs, nobodys = (
        client.post(f"/api/v1/assignments/{assignment}/{call}", body, content_type="application/json")
        for assignment in (shown.public_id, uuid.uuid4())
    )
    assert theirs.status_code == nobodys.status_code == 403
    assert theirs.json() == nobodys.json()
    assert state_of_everything() == before


def test_who_lost_the_role_judges_no_more(shown, outsider):
    shown.evaluator.role_grants.update(revoked_at=clock.now(), revoked_by=outsider)
    again = Assignment.objects.get(pk=shown.pk)
    with pytest.raises(Refused) as refused:
        submit(again)
    assert refused.value.code == "not_qualified"


def test_who_has_come_to_see_results_judges_no_more(shown):
    grants.grant(shown.evaluator, Role.LEAD, by=None, at=clock.now())
    again = Assignment.objects.get(pk=shown.pk)
    with pytest.raises(Refused, match="cannot judge blind") as refused:
        submit(again)
    assert refused.value.code == "not_qualified"
    assert not Judgment.objects.exists()


@pytest.mark.parametrize(
    "preference", [0, 3, -1, "3", "", "first", "TIE", True, None, 1.0, [1], {"slot": 1}, "candidate"]
)
def test_other_answers_than_the_four_are_refused(api, preference):
    response = api(preference=preference)
    assert response.status_code == 400
    assert set(response.json()) == {"code", "detail", "fields"}
    assert response.json()["fields"].keys() == {"preference"}
    assert not Judgment.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("judgment_id", "not-a-uuid"),
        ("active_ms", -1),
        ("active_ms", "soon"),
        ("comment", "\x00"),
        ("comment", ["a", "list"]),
    ],
)
def test_what_does_not_fit_is_located(api, field, value):
    response = api(**{field: value})
    assert response.status_code == 400
    assert response.json()["fields"].keys() == {field}


def test_a_comment_has_a_longest_length(shown, api):
    with pytest.raises(Invalid) as refused:
        submit(shown, comment="x" * (LONGEST_COMMENT + 1))
    assert refused.value.code == "comment_too_long"
    assert api(comment="x" * LONGEST_COMMENT).status_code == 201


def test_characters_that_no_database_keeps_are_left_out_of_a_comment(shown):
    assert submit(shown, comment="odd\x00ly")[0].comment == "oddly"


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("claimed", "stored"), [(None, None), (-5, 0), (1_500, 1_500), (10**15, 2_000)])
def test_nobody_was_active_for_longer_than_the_task_was_there(shown, claimed, stored):
    judgment, _ = submit(shown, active_ms=claimed, at=shown.shown_at + dt.timedelta(seconds=2))
    assert (judgment.active_ms, judgment.wall_ms) == (stored, 2_000)


def test_an_answer_after_weeks_still_fits_its_column(shown):
    judgment, _ = submit(shown, at=shown.shown_at + dt.timedelta(days=60), active_ms=10**15)
    judgment.refresh_from_db()
    assert judgment.wall_ms == judging.LONGEST_MS


def test_a_clock_that_runs_backwards_makes_no_negative_time(shown):
    assert submit(shown, at=shown.shown_at - dt.timedelta(seconds=2))[0].wall_ms == 0


# ── The judging screen ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def browser(shown):
    return signed_in(shown.evaluator)


@pytest.fixture
def screen(browser, shown):
    """Sends a form of the screen, as a browser without scripts does."""

    def post(act="submit", *, follow=False, **form):
        given = {"judgment_id": str(shown.judgment_id), "preference": "1"} | form
        return browser.post(f"/review/{shown.public_id}/{act}/", given, follow=follow)

    return post


@pytest.fixture
def card(browser):
    """Asks for a card, as the screen's script does."""

    def ask(path="/queue/next/", **form):
        headers = {"X-Judge": "card"}
        return (browser.post if path == "/queue/next/" else browser.get)(path, form, headers=headers)

    return ask


def test_submitting_leads_to_the_next_task(screen, shown):
    response = screen()
    assert (response.status_code, response.url) == (302, "/review/")
    assert Judgment.objects.get().task == shown.task
    assert Assignment.objects.get(state="shown") != shown


def test_an_answer_is_asked_for_and_what_was_typed_is_kept(screen, shown):
    response = screen(preference="", comment="as I was saying")
    assert response.status_code == 422
    assert "as I was saying" in response.content.decode()
    assert str(shown.public_id) in response.content.decode()
    assert not Judgment.objects.exists()


@pytest.mark.parametrize("active_ms", ["", "many", "-3", "9" * 5_000, "1.5"])
def test_a_strange_time_does_not_lose_the_answer(screen, active_ms):
    assert screen(active_ms=active_ms).status_code == 302
    assert Judgment.objects.count() == 1


def test_a_double_click_is_one_judgment(screen, shown):
    screen()
    assert screen(preference="2").status_code == 302
    assert Judgment.objects.get().assignment == shown


def test_a_page_that_went_stale_says_so_and_goes_on(screen, shown, evaluator_two):
    factory.lease_ends(shown)
    factory.next_for(evaluator_two)
    response = screen(follow=True)
    assert "is not yours any more" in response.content.decode()
    assert Judgment.objects.get().state == "surplus"


def test_skipping_asks_for_one_of_the_reasons(screen, shown):
    assert screen("skip", reason="").status_code == 422
    assert screen("skip", reason="because").status_code == 422
    shown.refresh_from_db()
    assert shown.state == "shown"
    assert screen("skip", reason="Another reason").status_code == 302
    shown.refresh_from_db()
    assert (shown.state, shown.skip_reason) == ("skipped", "Another reason")


def test_the_last_answer_leads_to_the_queue_and_says_why(screen, shown):
    factory.judge_everything([shown.evaluator])
    response = screen(follow=True)
    assert response.redirect_chain == [("/queue/", 302)]
    assert "Nothing is left for you" in response.content.decode()


def test_the_script_gets_a_card_and_not_a_page(card, shown):
    text = card().content.decode()
    assert "<html" not in text
    assert f'data-assignment="{shown.public_id}" data-shown="1" data-number="1"' in text


def test_what_is_fetched_ahead_comes_after_the_task_on_the_screen(card, shown):
    ahead = card(prefetch="1").content.decode()
    found = Assignment.objects.get(state="prefetched")
    assert f'data-assignment="{found.public_id}" data-shown="0" data-number="2"' in ahead
    assert str(shown.public_id) not in ahead


def test_the_script_is_told_why_there_is_nothing(card, screen, shown):
    screen()
    factory.judge_everything([shown.evaluator])
    text = card().content.decode()
    assert 'data-nothing="all_done"' in text
    assert "All done" in text


def test_a_card_that_ended_is_not_shown_again(card, shown, browser):
    factory.judge(shown)
    assert "data-nothing" in card(f"/review/{shown.public_id}/").content.decode()


def test_a_draft_stands_in_the_form_again(browser, shown):
    body = {"preference": "tie", "comment": "half a <thought>", "answers": {"x": ["odd"]}, "strength": 2}
    kept = browser.post(f"/review/{shown.public_id}/draft/", body, content_type="application/json")
    assert kept.status_code == 200
    text = browser.get("/review/").content.decode()
    assert "half a &lt;thought&gt;</textarea>" in text
    assert 'value="tie" required aria-keyshortcuts="3" checked' in text
    assert 'data-draft-saved-at="0"' not in text


@pytest.mark.parametrize("answers", [[], "text", 3, None, {"x": {"y": 1}}])
def test_a_strange_draft_breaks_no_screen(browser, shown, answers):
    body = {"answers": answers, "comment": [1], "preference": {"a": 1}, "strength": "much"}
    browser.post(f"/review/{shown.public_id}/draft/", body, content_type="application/json")
    assert browser.get("/review/").status_code == 200


def test_the_outbox_belongs_to_one_person(browser, shown, evaluator_two):
    mine = browser.get("/review/session/").json()
    assert f'data-outbox="{mine["outbox"]}"' in browser.get("/review/").content.decode()
    assert browser.get("/review/session/").json() == mine
    assert signed_in(evaluator_two).get("/review/session/").json() != mine


def test_a_rubric_asks_for_strength_criteria_and_reasons(browser, campaign, shown):
    body = {
        "strength": True,
        "rationale": ["both_bad"],
        "criteria": [{"id": "tone", "question": "Which is <kinder>?"}],
        "examples": [{"prompt": "p", "responses": ["a", "b"], "answer": "1", "why": "Because it is so."}],
    }
    campaign.rubric.body = body
    campaign.rubric.save()
    text = browser.get("/review/").content.decode()
    assert 'data-wants-reason="both_bad"' in text
    assert "Which is &lt;kinder&gt;?" in text
    assert "Because it is so." in text
    given = {"judgment_id": str(shown.judgment_id), "preference": "2", "strength": "2", "answer-tone": "tie"}
    refused = browser.post(f"/review/{shown.public_id}/submit/", given | {"answer-tone": ""})
    assert refused.status_code == 422
    assert 'name="strength" value="2" checked' in refused.content.decode()
    assert browser.post(f"/review/{shown.public_id}/submit/", given).status_code == 302
    stored = Judgment.objects.get()
    assert (stored.strength, stored.answers) == (2, {"tone": "tie"})
