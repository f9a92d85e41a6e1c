"""What an evaluator meets in some campaigns: courses, redacted text, other protocols, guesses, revised rubrics."""

import uuid

import pytest

from annotation import campaigns, opening, overlap, revision
from annotation.blinding import guesses, release
from annotation.items import read_items
from annotation.jobs import ask_again, extend_overlap
from annotation.models import Flag, Judgment
from annotation.onboarding import sittings
from annotation.onboarding.courses import add_lessons, set_rule
from annotation.onboarding.lessons import read_lessons
from annotation.protocols import rules_of
from annotation.protocols.pairwise import as_shown
from annotation.quality import gold
from evaltrack import clock
from tests.annotation.leaks.crawler import answered_form
from tests.factories import annotation as factory
from tests.factories import courses, settling
from tests.factories.stand_alone import campaign as factory_of_campaigns

SOURCES = [{"source": f"zz-secret-source-{name}", "text": f"Answer {name}."} for name in "ab"]


def test_everything_of_a_course_and_of_ones_own_work(crawler, campaign, lead):
    """Guidelines, training, a test that fails and one that passes, gold with feedback, and an appeal."""
    rule = {"pass_mark": 1, "items": 2, "retries": 1, "wait_hours": 0}
    opening.usual_rubric(rules_of("pairwise"))
    course = set_rule("helpfulness", **rule, by=lead)
    lessons = [
        courses.lesson(n, kind, item=f"zz-secret-item-{n}", responses=SOURCES)
        for n, kind in enumerate(["training", "test", "test", "test", "test"])
    ]
    add_lessons(course, read_lessons(lessons), by=lead)
    gated = courses.campaign(lead, course, lines=[
        courses.item(n, responses=SOURCES, item=f"zz-secret-item-{n}", gold={"preference": 2, "why": "It is right."})
        for n in range(3)
    ])  # fmt: skip
    campaigns.pause(campaign.pk, by=lead, reason="Something is odd here.", at=clock.now())
    way = f"/review/courses/{course.public_id}/"
    assert way in crawler.walk()
    crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
    crawler.ask("post", f"{way}start/", {"kind": "test"})  # the training comes first
    for kind, right in [("training", 0), ("test", 0), ("test", 2)]:
        crawler.ask("post", f"{way}start/", {"kind": kind})
        begun = sittings.start(course, kind, by=crawler.evaluator, at=clock.now())
        at = f"/review/sittings/{begun.public_id}/"
        crawler.ask("get", at)
        crawler.ask("post", f"{at}1/answer/", {})
        crawler.ask("get", f"{at}1/")
        crawler.ask("post", f"{at}1/answer/", {"preference": "tie" if not right else place_of(begun)})
        crawler.ask("get", f"{at}1/")
        courses.sit(begun, right=right)
        crawler.walk(at)
        crawler.walk()
    while shown := factory.next_for(crawler.evaluator):
        factory.judge(shown, "both_bad")
        crawler.walk()
    gold.release(gated.pk, by=lead, at=clock.now())
    factory.the_minute_passes()
    judgment = Judgment.objects.filter(campaign=gated).first()
    crawler.ask("post", f"/review/mine/{judgment.public_id}/appeal/", {"reason": "They are equal in all."})
    crawler.walk()
    gold.answer(
        judgment.public_id,
        gated,
        outcome="corrected",
        answer="They are equal indeed.",
        by=lead,
        at=clock.now(),
    )
    pages = crawler.walk()
    assert "/review/mine/" in pages
    assert "They are equal indeed." in crawler.ask("get", "/review/mine/").content.decode()
    assert {200, 302, 422} <= crawler.statuses


def test_text_that_names_a_system_is_held_or_redacted_on_every_way(crawler, api, campaign, lead, settings):
    """In a conversation, a passage and an answer: what is held reaches nobody, what is redacted without its name."""
    settings.REVIEW_ALIASES = ["zz-secret-alias"]
    campaigns.pause(campaign.pk, by=lead, reason="Something is odd here.", at=clock.now())
    said, opened = "Ask the\nzz-secret-alias.", factory_of_campaigns(lead, items=0)
    told = [
        {"prompt": [{"role": "user", "content": said}]},
        {"contexts": [{"title": "zz-secret-alias", "text": said}]},
        {"responses": [SOURCES[0], SOURCES[1] | {"text": f"Held. {said}"}]},
        {"responses": [SOURCES[0], SOURCES[1] | {"text": f"Left out. {said}"}]},
    ]
    rows = [courses.item(n, **{"responses": SOURCES} | fields) for n, fields in enumerate(told)]
    opening.add_items(opened.pk, read_items(rows), by=lead, at=clock.now())
    crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
    crawler.walk()
    for flag, decision in zip(Flag.objects.order_by("pk"), ["redact", "redact", "", "exclude"], strict=True):
        if decision:
            release.decide(
                opened.pk,
                flag=flag.public_id,
                decision=decision,
                reason="It tells who wrote it.",
                by=lead,
                at=clock.now(),
            )
    judged = 0
    while shown := factory.next_for(crawler.evaluator):
        crawler.ask("post", "/queue/next/", {"prefetch": "1"}, headers={"X-Judge": "card"})
        answer = api.ask("post", "/api/v1/queue/next", {}, content_type="application/json")
        assert "[redacted]" in answer.content.decode()
        crawler.walk()
        crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
        judged += 1
    assert judged == 2
    answer = api.ask("post", "/api/v1/queue/next", {}, content_type="application/json").json()
    assert (answer["assignment"], answer["reason"]) == (None, "paused")
    assert "lead's check" in answer["detail"]
    assert "/review/mine/" in crawler.walk()
    assert "[redacted]" in crawler.ask("get", "/review/mine/").content.decode()


def place_of(sitting):
    following = sittings.upcoming(sitting)
    return as_shown(following.lesson.choice, following.places)


@pytest.mark.parametrize("protocol", ["rating", "ranking", "spans"])
def test_everything_of_another_protocol(crawler, api, campaign, lead, protocol):
    campaigns.pause(campaign.pk, by=lead, reason="Something is odd here.", at=clock.now())
    factory.stand_alone(protocol, lead=lead)
    while shown := factory.next_for(crawler.evaluator):
        crawler.walk()
        at = f"/review/{shown.public_id}"
        form = {"judgment_id": str(shown.judgment_id)}
        crawler.ask("post", f"{at}/submit/", form)
        crawler.ask("post", f"{at}/submit/", form | {"mark": "wrong", "quote": "aaa"})
        crawler.ask("post", f"{at}/submit/", form | {"rating": "9", "rank-1": "1", "spans": "[{}]"})
        draft = factory.USUAL[protocol]
        crawler.ask("post", f"{at}/draft/", draft, content_type="application/json")
        crawler.ask("get", f"{at}/")
        body = {"judgment_id": str(shown.judgment_id)}
        path = f"/api/v1/assignments/{shown.public_id}/judgment"
        for answer in ({}, {"preference": 1}, factory.USUAL[protocol], factory.USUAL[protocol]):
            answered = api.ask("post", path, body | answer, content_type="application/json")
        assert answered.status_code == 200
    crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
    assert "/review/mine/" in crawler.walk()
    assert {200, 302, 422} <= crawler.statuses


def test_the_question_whether_the_blinding_holds(crawler, api, campaign, lead):
    """It is asked of every pair alike, and no answer to it says whether it was right."""
    campaigns.pause(campaign.pk, by=lead, reason="Something is odd here.", at=clock.now())
    asking = factory_of_campaigns(lead, items=0, guess=guesses.About(1, "zz-secret-b"))
    factory.add_answers(asking, "ab", lead=lead, items=2)
    factory.add_answers(asking, "ac", lead=lead, items=1)
    asked = 0
    while shown := factory.next_for(crawler.evaluator):
        assert "data-asks-guess" in crawler.ask("get", "/review/").content.decode()
        sent = crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
        assert sent.status_code == 302
        crawler.walk(sent.url)
        at = f"/api/v1/judgments/{shown.judgment_id}/guess"
        if asked:
            answers = [crawler.ask("post", sent.url, {"guess": guess}) for guess in ("9", "1", "2", "1")]
            assert {each.status_code for each in answers} == {302}
        else:
            guess_of = [
                api.ask("post", at, {"guess": guess}, content_type="application/json").status_code
                for guess in (9, "unknown", 1, "unknown")
            ]
            assert guess_of == [400, 200, 409, 200]
        asked += 1
    assert asked == 3
    crawler.ask("get", f"/review/guess/{uuid.uuid4()}/")
    crawler.ask("post", f"/review/guess/{uuid.uuid4()}/", {"guess": "1"})
    crawler.walk()


def test_a_rubric_that_was_revised_and_an_overlap_that_grows(crawler, api, campaign, lead, both):
    campaigns.pause(campaign.pk, by=lead, reason="Something is odd here.", at=clock.now())
    rule = overlap.Adaptive(min=2, max=3, confidence=0.9, calibration_share=0.0)
    growing = factory_of_campaigns(lead, items=0, overlap=rule)
    factory.add_answers(growing, "ab", lead=lead, items=2)
    factory.judge(factory.next_for(crawler.evaluator), 1)
    shown = factory.next_for(crawler.evaluator)
    wording = {"question": "Which answer solves the problem?", "guidance": "Solve it. Length is no merit."}
    revision.revise(
        growing.pk,
        rubric=wording,
        asks_again=True,
        by=lead,
        reason="It was read in two ways.",
        at=clock.now(),
    )
    refused = crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
    assert refused.status_code == 422
    assert "The rubric has changed" in crawler.ask("get", "/review/").content.decode()
    body = {"judgment_id": str(shown.judgment_id), "preference": 1, "rubric_version": 1}
    path = f"/api/v1/assignments/{shown.public_id}/judgment"
    assert api.ask("post", path, body, content_type="application/json").status_code == 409
    ask_again()
    factory.judge(shown, 1, rubric_version=2)
    factory.judge_everything(both, lambda shown: 1)
    crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
    crawler.walk()
    extend_overlap()
    while crawler_has := factory.next_for(crawler.evaluator):
        crawler.walk()
        factory.judge(crawler_has, 2)
    answer = api.ask("post", "/api/v1/queue/next", {}, content_type="application/json").json()
    assert answer["assignment"] is None


NAMING = [
    "I think this is GPT-4, and ZZ-Secret-A wrote another.",
    "zz-secret-a beats the zz-secret-alias; as an AI language model made by OpenAI I agree.",
]


@pytest.mark.parametrize("protocol", ["pairwise", "rating", "ranking", "spans"])
def test_everything_of_a_conflict(crawler, api, campaign, lead, evaluator_three, both, settings, protocol):
    """What others said reaches a senior evaluator without who they are, when they said it and what they named."""
    settings.REVIEW_ALIASES = ["zz-secret-alias"]
    campaigns.pause(campaign.pk, by=lead, reason="Something is odd here.", at=clock.now())
    disputed = factory.stand_alone(protocol, lead=lead)
    settling.senior(crawler.evaluator, lead=lead)
    for somebody, answer, words in zip(
        (both[1], evaluator_three), settling.OPPOSITE[protocol], NAMING, strict=True
    ):
        told = {**answer}
        if told.get("spans"):
            told["spans"] = [each | {"note": words} for each in told["spans"]]
        while shown := factory.next_for(somebody):
            factory.judge(shown, **told, comment=words)
    factory.the_minute_passes()
    disputed_page = crawler.walk()
    assert {"/conflicts/"} <= disputed_page
    sent = crawler.ask("post", "/conflicts/next/")
    seen = crawler.ask("get", sent.url).content.decode()
    assert "[redacted]" in seen
    assert "gpt-4" not in seen.lower()
    assert "openai" not in seen.lower()
    crawler.walk(sent.url)
    found = api.ask("post", "/api/v1/conflicts/next", {}, content_type="application/json").json()
    assert found.keys() == {"hearing", "lease_expires_at", "item", "rubric", "said"}
    assert [each["evaluator"] for each in found["said"]] == ["A", "B"]
    assert "gpt-4" not in str(found).lower()
    at = f"/api/v1/hearings/{found['hearing']}"
    api.ask("post", f"{at}/heartbeat")
    form = {"cause": "mistake", "comment": "It is right.", "rubric_version": "1"}
    for more in (
        {},
        {"cause": ""},
        {"preference": "9"},
        {"mark": "1", "quote": "aaa"},
        {"cause": "guideline"},
    ):
        crawler.ask("post", f"{sent.url}submit/", form | more)
    body = {"cause": "knowledge", **factory.USUAL[protocol]}
    for _ in range(2):
        stored = api.ask("post", f"{at}/adjudication", body, content_type="application/json")
    assert stored.status_code == 200
    crawler.ask("get", sent.url)
    revision.revise(
        disputed.pk,
        rubric={**disputed.rubric.body, "question": "Which is better?", "guidance": "Read all of it."},
        asks_again=False,
        by=lead,
        reason="It was read in two ways.",
        at=clock.now(),
    )
    another = crawler.ask("post", "/conflicts/next/")
    crawler.walk(another.url)
    crawler.ask("post", f"{another.url}release/")
    last = api.ask("post", "/api/v1/conflicts/next", {}, content_type="application/json").json()
    at = f"/api/v1/hearings/{last['hearing']}"
    api.ask("post", f"{at}/adjudication", {"cause": "broken"}, content_type="application/json")
    api.ask("post", f"{at}/release")
    crawler.ask("get", f"/conflicts/{uuid.uuid4()}/")
    crawler.walk()
    assert {200, 302, 422, 403} <= crawler.statuses
