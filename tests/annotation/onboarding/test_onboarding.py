"""The way to qualify for a rubric: guidelines, training with feedback, a test with a pass mark and a retry rule."""

import datetime as dt
import json

import pytest

from annotation import opening, pool, queue
from annotation.agreement import figures
from annotation.items import read_items
from annotation.models import Judgment, Lesson, LessonKind, Qualification, Question, Sitting, Slot
from annotation.onboarding import courses, learning, sittings
from annotation.onboarding.lessons import KINDS, read_lessons
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, ExpectedError, Invalid, NotFound, Refused
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer, signed_in
from tests.annotation.together import together
from tests.conftest import person
from tests.factories import annotation as factory
from tests.factories import courses as factory_of_courses
from tests.factories.courses import lesson, sit

RULE = {"pass_mark": 0.75, "items": 4, "retries": 1, "wait_hours": 24}


@pytest.fixture
def course(lead):
    return factory_of_courses.course(lead, training=2, test=8, **RULE)


@pytest.fixture
def campaign(lead, course):
    """Six tasks that only who has qualified is given."""
    return factory_of_courses.campaign(lead, course, items=6)


def begun(course, evaluator, kind, at=None):
    return sittings.start(course, kind, by=evaluator, at=at or clock.now())


def test_a_lead_sets_the_rule_and_uploads_lessons_by_api(lead):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    path = "/api/v1/rubrics/Terse%2Fkind"
    assert client.get(f"{path}/course").status_code == 404
    put = client.put(f"{path}/course", RULE, content_type="application/json")
    assert put.status_code == 200, put.content
    lines = b"".join([lesson(1, "training"), lesson(2, "test"), lesson(3, "test")])
    for _ in range(2):  # with its key, it is one upload
        added = client.post(
            f"{path}/lessons", lines, content_type="application/x-ndjson", headers={"Idempotency-Key": "k"}
        )
        assert (added.status_code, added.json()["added"]) == (201, 3)
    found = client.get(f"{path}/course").json()
    assert found == {"rubric": "Terse/kind", **RULE, "lessons": {"training": 1, "test": 2}, "qualified": 0}
    assert (
        client.put(f"{path}/course", {**RULE, "pass_mark": 0}, content_type="application/json").status_code
        == 400
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "exam"}, "kind"),
        ({"gold": None}, "gold"),
        ({"gold": {"preference": 3, "why": "x"}}, "gold.preference"),
        ({"gold": {"preference": True, "why": "x"}}, "gold.preference"),
        ({"gold": {"preference": [1], "why": "x"}}, "gold.preference"),
        ({"gold": {"preference": 1}}, "gold.why"),
        ({"gold": {"preference": 1, "why": "x" * 2001}}, "gold.why"),
        ({"gold": {"preference": 1, "why": "SYSTEM-A knows it."}}, "gold.why"),
        ({"gold": {"preference": 1, "why": "x", "who": "y"}}, "gold.who"),
        ({"gold": "1"}, "gold"),
    ],
)
def test_a_bad_lesson_is_located_and_nothing_is_added(lead, changes, field):
    course = courses.set_rule("Terse", **RULE, by=lead)
    with pytest.raises(Invalid) as refused:
        courses.add_lessons(course, read_lessons([lesson(1), lesson(2, **changes)]), by=lead)
    (error,) = refused.value.extra["errors"]
    assert (error["line"], error["field"]) == (2, field)
    assert not Lesson.objects.exists()


def test_a_lesson_stands_in_a_course_once_whichever_its_kind(course, lead):
    with pytest.raises(Invalid, match="in the course already"):
        courses.add_lessons(course, read_lessons([lesson(0, "test")]), by=lead)


# ── Training and test ────────────────────────────────────────────────────────────────────────────────


def test_training_tells_the_reference_after_the_answer_and_never_before(course, evaluator_one):
    client = signed_in(evaluator_one)
    training = begun(course, evaluator_one, "training")
    path = f"/review/sittings/{training.public_id}/"
    for ordinal in (1, 2):
        before = client.get(f"{path}{ordinal}/").content.decode()
        assert "Because it is right" not in before
        assert "Reference answer" not in before
        assert client.post(f"{path}{ordinal}/answer/", {}).status_code == 422
        after = client.post(f"{path}{ordinal}/answer/", {"preference": "tie"}, follow=True).content.decode()
        assert "Because it is right" in after
        assert "The reference answer is another" in after
    assert "The training is done" in client.get(path).content.decode()


def test_a_test_tells_nothing_before_its_last_answer(course, evaluator_one):
    sit(begun(course, evaluator_one, "training"))
    client = signed_in(evaluator_one)
    test = begun(course, evaluator_one, "test")
    path = f"/review/sittings/{test.public_id}/"
    for ordinal in range(1, 5):
        for page in (
            client.get(f"{path}{ordinal}/"),
            client.get(f"{path}1/", follow=True),
            client.post(f"{path}1/answer/", {}, follow=True),
            client.get(path, follow=True),
        ):
            assert not [
                word
                for word in ("Because", "eference answer", "right", "passed")
                if word in page.content.decode()
            ]
        client.post(f"{path}{ordinal}/answer/", {"preference": "tie"}, follow=True)
    assert "0 of 4" in client.get(path).content.decode()


def test_the_test_comes_after_the_training(course, evaluator_one):
    with pytest.raises(Refused, match="training first"):
        begun(course, evaluator_one, "test")


def test_an_answer_stands_and_the_same_again_changes_nothing(course, evaluator_one):
    training = begun(course, evaluator_one, "training")
    at = clock.now()

    def answer(ordinal, preference):
        return sittings.answer(training.public_id, ordinal, preference=preference, by=evaluator_one, at=at)

    with pytest.raises(Conflict, match="order"):
        answer(2, 1)
    assert answer(1, 1) == answer(1, 1)
    with pytest.raises(Conflict, match="stands"):
        answer(1, 2)
    with pytest.raises(NotFound):
        answer(3, 1)


def test_beginning_twice_is_beginning_once(course, evaluator_one):
    assert begun(course, evaluator_one, "training") == begun(course, evaluator_one, "training")
    assert Question.objects.count() == 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_two_windows_begin_one_sitting(course, evaluator_one):
    one, two = together(*[lambda: begun(course, evaluator_one, "training")] * 2)
    assert one == two


def test_the_pass_mark_decides(course, both):
    for evaluator, right in zip(both, (3, 2), strict=True):
        sit(begun(course, evaluator, "training"))
        sit(begun(course, evaluator, "test"), right=right)
    assert list(Qualification.objects.values_list("evaluator", flat=True)) == [both[0].pk]


def test_a_share_without_an_exact_form_is_met_exactly(lead, evaluator_one):
    course = factory_of_courses.course(lead, training=0, test=10, **{**RULE, "pass_mark": 0.7, "items": 10})
    sit(begun(course, evaluator_one, "test"), right=7)
    assert Qualification.objects.exists()
    assert learning.course_page(course, evaluator_one, at=clock.now()).must_be_right == 7


def test_the_retry_rule(course, evaluator_one):
    sit(begun(course, evaluator_one, "training"))
    sit(begun(course, evaluator_one, "test"))
    failed_at = clock.now()
    with pytest.raises(Refused, match="try again from"):
        begun(course, evaluator_one, "test")
    with pytest.raises(Refused, match="try again from"):
        begun(course, evaluator_one, "test", at=failed_at + dt.timedelta(hours=23, minutes=59))
    later = failed_at + dt.timedelta(hours=24, seconds=1)
    again = begun(course, evaluator_one, "test", at=later)
    sit(again, at=later)
    with pytest.raises(Refused, match="No attempt is left"):
        begun(course, evaluator_one, "test", at=later + dt.timedelta(days=400))


def test_an_attempt_asks_other_questions_while_there_are_some(course, evaluator_one):
    sit(begun(course, evaluator_one, "training"))
    first = begun(course, evaluator_one, "test")
    sit(first)
    second = begun(course, evaluator_one, "test", at=clock.now() + dt.timedelta(days=2))
    asked = [set(each.questions.values_list("lesson", flat=True)) for each in (first, second)]
    assert len(asked[0]) == len(asked[1]) == 4
    assert not asked[0] & asked[1]


def test_what_was_missed_is_told_where_no_attempt_asks_it_again(lead, both):
    for evaluator, questions in zip(both, (8, 5), strict=True):
        course = factory_of_courses.course(lead, name=f"with {questions}", training=0, test=questions, **RULE)
        test = begun(course, evaluator, "test")
        sit(test, right=1)
        test.refresh_from_db()
        missed = learning.result(test).missed
        assert (missed is None) == (questions == 5)
        if missed:
            assert len(missed) == 3
            assert all(each.why == "Because it is right." and each.right != each.given for each in missed)


def test_sides_are_drawn_for_each_sitting_and_balanced_in_it(lead, evaluator_one):
    course = factory_of_courses.course(lead, training=0, test=10, **{**RULE, "items": 10})
    drawn = set()
    for _ in range(20):
        rows = sittings.questions(Sitting(course=course, evaluator=evaluator_one, kind="test"))
        rows.sort(key=lambda row: row.lesson_id)
        on_slot_1 = [
            (row.lesson.responses[0]["source"] == "system-a") == (row.places == "01") for row in rows
        ]
        assert sum(on_slot_1) == 5
        drawn.add(tuple(on_slot_1))
    assert len(drawn) > 1


def test_somebody_elses_sitting_looks_like_none(course, both):
    training = begun(course, both[0], "training")
    client = signed_in(both[1])
    for path in ("", "1/"):
        assert client.get(f"/review/sittings/{training.public_id}/{path}").status_code == 404
    assert (
        client.post(f"/review/sittings/{training.public_id}/1/answer/", {"preference": "1"}).status_code
        == 404
    )


def test_who_has_not_signed_sees_no_question(course):
    unsigned = person("unsigned", Role.EVALUATOR)
    with pytest.raises(Refused, match="confidentiality"):
        begun(course, unsigned, "training")


# ── The gate ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_campaign_that_asks_for_it_gives_tasks_to_those_who_qualified_alone(campaign, course, both):
    one, two = both
    found = queue.claim_next(one, at=clock.now())
    assert (found.reason, found.path) == ("not_qualified", f"/review/courses/{course.public_id}/")
    assert course.rubric_name in found.detail
    sit(begun(course, one, "training"))
    sit(begun(course, one, "test"), right=4)
    assert factory.next_for(one)
    assert queue.claim_next(two, at=clock.now()).reason == "not_qualified"
    assert Slot.objects.filter(holder=two).count() == 0


def test_the_way_is_named_by_the_api_the_queue_and_the_card(campaign, course, evaluator_one):
    way = f"/review/courses/{course.public_id}/"
    answer = bearer(evaluator_one, Permission.JUDGE).post(
        "/api/v1/queue/next", {}, content_type="application/json"
    )
    assert (answer.json()["reason"], answer.json()["path"]) == ("not_qualified", way)
    client = signed_in(evaluator_one)
    assert way in client.get("/queue/").content.decode()
    assert way in client.post("/queue/next/", headers={"X-Judge": "card"}).content.decode()


def test_other_campaigns_ask_for_nothing(campaign, lead, evaluator_one):
    free = opening.open_stand_alone(name="Free", overlap=1, due_at=None, by=lead, at=clock.now())
    opening.add_items(free.pk, read_items([factory_of_courses.item(1)]), by=lead, at=clock.now())
    assert factory.next_for(evaluator_one).campaign == free


def test_no_campaign_opens_that_nobody_could_qualify_for(lead):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    body = {"name": "Gated", "protocol": "pairwise", "requires_qualification": True}
    answer = client.post("/api/v1/campaigns", body, content_type="application/json")
    assert answer.status_code == 400
    assert "no course" in answer.json()["fields"]["requires_qualification"][0]
    courses.set_rule("helpfulness", **RULE, by=lead)
    answer = client.post("/api/v1/campaigns", body, content_type="application/json")
    assert "asks 4 questions and has 0" in answer.json()["detail"]


def test_a_lead_grants_and_revokes_with_a_reason_that_the_ledger_keeps(campaign, course, lead, evaluator_one):
    at = clock.now()
    with pytest.raises(Invalid):
        courses.grant(course, evaluator_one, by=lead, reason="why", at=at)
    given = courses.grant(course, evaluator_one, by=lead, reason="Wrote the guidelines.", at=at)
    with pytest.raises(Conflict, match="already"):
        courses.grant(course, evaluator_one, by=lead, reason="Wrote the guidelines.", at=at)
    shown = factory.next_for(evaluator_one)
    courses.revoke(course, given.public_id, by=lead, reason="Left the team in spring.", at=at)
    with pytest.raises(Conflict, match="before"):
        courses.revoke(course, given.public_id, by=lead, reason="Left the team in spring.", at=at)
    factory.judge(shown)  # what is on the screen can be finished
    assert queue.claim_next(evaluator_one, at=at).reason == "not_qualified"
    with pytest.raises(Refused, match="Left the team"):
        begun(course, evaluator_one, "test")
    events = LedgerEntry.objects.order_by("index").values_list("event", flat=True)
    assert [event for event in events if event.startswith("qualification")] == [
        "qualification_granted",
        "qualification_revoked",
    ]


def test_a_test_that_ends_after_a_revocation_gives_nothing_back(course, lead, evaluator_one):
    sit(begun(course, evaluator_one, "training"))
    test = begun(course, evaluator_one, "test")
    given = courses.grant(course, evaluator_one, by=lead, reason="Wrote the guidelines.", at=clock.now())
    courses.revoke(course, given.public_id, by=lead, reason="Left the team in spring.", at=clock.now())
    sit(test, right=4)
    assert not Qualification.objects.filter(revoked_at=None).exists()


def test_only_a_lead_qualifies_people(course, owner, evaluator_one):
    for by in (owner, evaluator_one):
        with pytest.raises(ExpectedError):
            courses.grant(course, evaluator_one, by=by, reason="It would be nice.", at=clock.now())


def test_the_leads_pages_show_who_qualified_and_act(course, lead, evaluator_one):
    client = signed_in(lead)
    path = f"/courses/{course.public_id}/"
    assert path in client.get("/courses/").content.decode()
    form = {"evaluator": evaluator_one.pseudonym, "reason": "Wrote the guidelines."}
    granted = client.post(f"{path}grant/", form, follow=True).content.decode()
    assert "is granted" in granted
    assert evaluator_one.pseudonym in granted
    assert evaluator_one.username not in granted
    for nobody in ("x", evaluator_one.username):
        refused = client.post(f"{path}grant/", {**form, "evaluator": nobody}, follow=True)
        assert "no evaluator" in refused.content.decode()
    row = Qualification.objects.get()
    form = {"qualification": str(row.public_id), "reason": "Left the team in spring."}
    assert "is revoked" in client.post(f"{path}revoke/", form, follow=True).content.decode()
    assert (
        "no such"
        in client.post(f"{path}revoke/", {**form, "qualification": "?"}, follow=True).content.decode()
    )


@pytest.mark.parametrize(("test", "items", "retries"), [(3, 3, 1), (4, 2, 2)])
def test_what_a_later_attempt_asks_again_is_not_explained_before(lead, evaluator_one, test, items, retries):
    made = factory_of_courses.course(
        lead, training=0, test=test, pass_mark=1, items=items, retries=retries, wait_hours=0
    )
    explained: set[int] = set()
    for attempt in range(retries + 1):
        sitting = sittings.start(made, "test", by=evaluator_one, at=clock.now())
        asked = set(sitting.questions.values_list("lesson", flat=True))
        assert not asked & explained
        for earlier in made.sittings.all():
            result = learning.result(earlier)
            if result.missed is not None and earlier.ended_at:
                explained |= set(earlier.questions.values_list("lesson", flat=True))
        assert not asked & explained
        sit(sitting)
        if attempt == retries:
            assert learning.result(sitting).missed


def test_who_has_not_qualified_is_told_and_not_counted_among_those_who_may_judge(course, lead, evaluator_one):
    gated = factory_of_courses.campaign(lead, course, items=2)
    client = signed_in(evaluator_one)
    assert "Not for you yet: needs the course helpfulness" in client.get("/queue/").content.decode()
    assert evaluator_one not in pool.may_judge(gated)
    assert evaluator_one in pool.could_judge(gated)
    courses.grant(course, evaluator_one, by=lead, reason="Wrote the guidelines.", at=clock.now())
    assert "Tasks wait" in client.get("/queue/").content.decode()
    assert list(pool.may_judge(gated)) == [evaluator_one]


# ── Never counted ────────────────────────────────────────────────────────────────────────────────────


def test_nothing_of_a_course_is_a_judgment(campaign, course, evaluator_one):
    before = figures.of(campaign, at=clock.now())
    slots = list(Slot.objects.values())
    sit(begun(course, evaluator_one, "training"))
    sit(begun(course, evaluator_one, "test"), right=4)
    assert not Judgment.objects.exists()
    assert list(Slot.objects.values()) == slots
    assert figures.of(campaign, at=clock.now()) == before


def test_rows_of_a_course_know_no_task_slot_or_campaign():
    """What does not point there cannot be counted there."""
    counted = {"Task", "Slot", "Assignment", "Judgment", "Campaign", "Response"}
    for model in (Lesson, Question, Sitting):
        for field in model._meta.get_fields():
            if field.concrete and field.is_relation:
                assert field.related_model.__name__ not in counted, field


def test_the_kinds_are_those_that_lines_name():
    assert list(KINDS) == LessonKind.values


def test_a_claim_with_a_gate_costs_no_statement_more(
    campaign, course, lead, evaluator_one, django_assert_max_num_queries
):
    courses.grant(course, evaluator_one, by=lead, reason="Wrote the guidelines.", at=clock.now())
    client = bearer(evaluator_one, Permission.JUDGE)

    def claim():
        return client.post("/api/v1/queue/next", json.dumps({}), content_type="application/json").json()

    claim()
    with django_assert_max_num_queries(8):  # six, and the two of the transaction
        assert claim()["assignment"]
