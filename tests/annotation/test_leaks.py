"""Nothing that an evaluator can obtain tells which system wrote what.

An evaluator walks every page, fragment and API answer within reach, and knocks on every other door with real
ids; nothing of what comes back, headers included, may hold a word that names a system.
"""

import json
import re
import uuid
from html.parser import HTMLParser

import pytest
from django.test import Client

from annotation import campaigns, gold, opening, release, sittings
from annotation.courses import add_lessons, set_rule
from annotation.items import read_items
from annotation.lessons import read_lessons
from annotation.models import Assignment, Course, Flag, Judgment, Sitting, Slot
from annotation.protocols import rules_of
from annotation.protocols.pairwise import as_shown
from datasets import ingest, versions
from evaltrack import clock
from evaltrack.accounts import agreements
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from experiments import conclusion, promotion, submission
from experiments.models import Experiment, Output
from experiments.submission import Question
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import courses, experiments, people
from tests.factories.agreements import publish_another
from tests.factories.stand_alone import campaign as factory_of_campaigns

URL = "http://127.0.0.1:9911/zz-secret-endpoint/v1"
ARM_WORDS = re.compile(r"baseline|candidate", re.IGNORECASE)
UUIDS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
CSRF = re.compile(r"(?<=[\"'])[A-Za-z0-9]{64}(?=[\"'])")


@pytest.fixture
def experiment(owner, platform, custodian, lead):
    """An experiment in which everything that could betray a system has a name of its own."""
    at = clock.now()
    dataset = ingest.register(
        slug="zz-secret-dataset", name="zz-secret-title", use_case="", sensitivity="internal",
        custodian=custodian, by=custodian, at=at,
    )  # fmt: skip
    rows = [
        {"id": f"zz-secret-example-{n}", "input": f"What is {n} plus 1?", "expected": str(n + 1)}
        for n in range(20)
    ]
    lines = [f"{json.dumps(row)}\n".encode() for row in rows]
    draft = ingest.take_in(dataset, version="77.1", lines=lines, by=custodian, at=at)
    component = experiments.component(owner, platform, name="zz-secret-component", risk="high")
    new, old = (
        experiments.component_version(
            component, platform, version=version, base_url=URL, model=f"zz-secret-model-{version}"
        )
        for version in ("v771.3.0", "v771.2.0")
    )
    question = Question(
        component=component,
        candidate=new,
        baseline=old,
        dataset_version=versions.publish(draft, by=custodian, at=at),
        policy=component.policy,
        hypothesis="zz-secret-hypothesis",
    )
    row = submission.submit(question, by=owner, at=clock.now())
    experiments.answer_all(
        row, lambda arm, output, right: f"{'It is' if arm == 'candidate' else 'Perhaps'} {right}."
    )
    Output.objects.update(
        latency_ms=918_273,
        input_tokens=736_455,
        output_tokens=645_546,
        endpoint_model="zz-secret-served-model",
        endpoint_fingerprint="zz-secret-fingerprint",
    )
    conclusion.conclude(row, at=clock.now())
    return Experiment.objects.with_names().get(pk=row.pk)


@pytest.fixture
def campaign(experiment, both):
    """Opened after the evaluators have come, so that they are told of it."""
    return opening.open_campaign(experiment, at=clock.now())


@pytest.fixture
def forbidden(campaign, experiment):
    words = {
        "zz-secret",
        "771.",
        "127.0.0.1:9911",
        "918273",
        "918,273",
        "736455",
        "645546",
        experiment.public_id,
        experiment.candidate.digest,
        experiment.baseline.digest,
        experiment.policy.digest,
        experiment.plan.digest,
        experiment.dataset_version.digest,
        campaign.seed,
        *(str(run.public_id) for run in experiment.runs.all()),
        *(str(task.public_id) for task in campaign.tasks.all()),
        *(verdict.evidence_digest for verdict in experiment.verdicts.all()),
    }
    return sorted(words)


class Links(HTMLParser):
    """Every address that a page names."""

    def __init__(self, text):
        super().__init__()
        self.found = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in {"href", "src", "hx-get", "hx-post", "hx-put", "hx-delete"} or name == "action":
                self.found.add((value or "").split("#")[0])


class Crawler:
    """A client of one evaluator that looks at all that it gets."""

    def __init__(self, client: Client, evaluator, forbidden):
        self.client, self.evaluator, self.forbidden = client, evaluator, forbidden
        self.statuses: set[int] = set()

    def ask(self, method, path, body=None, *, arm_words=True, htmx=False, headers=None, **options):
        headers = {**(headers or {}), **({"HX-Request": "true"} if htmx else {})}
        response = getattr(self.client, method)(path, body, headers=headers, **options)
        self.look_at(f"{method.upper()} {path}{' (fragment)' if htmx else ''}", response, arm_words)
        return response

    def look_at(self, name, response, arm_words):
        content = b"".join(response.streaming_content) if response.streaming else response.content
        headers = "\n".join(f"{key}: {value}" for key, value in response.headers.items())
        whole = f"{headers}\n{response.cookies.output()}\n{content.decode(errors='replace')}"
        self.statuses.add(response.status_code)
        assert response.status_code != 500, name
        for word in self.forbidden:
            assert word.lower() not in whole.lower(), f"{name} tells {word}"
        if arm_words:
            assert not ARM_WORDS.search(whole), f"{name}: {ARM_WORDS.search(whole)}"
        for other in User.objects.exclude(pk=self.evaluator.pk):
            assert other.pseudonym not in whole, f"{name} tells who else judges"
        mine = Assignment.objects.filter(evaluator=self.evaluator)
        known = {str(each) for pair in mine.values_list("public_id", "judgment_id") for each in pair}
        for rows in (Judgment, Sitting):
            known |= set(
                map(str, rows.objects.filter(evaluator=self.evaluator).values_list("public_id", flat=True))
            )
        known |= set(map(str, Course.objects.values_list("public_id", flat=True)))
        for found in UUIDS.findall(whole):
            assert found in known, f"{name} names the id {found}"
            assert uuid.UUID(found).version == 4

    def walk(self, start="/"):
        """Follow every link, as a page and as a fragment."""
        waiting, done = [start], set()
        while waiting:
            path = waiting.pop()
            if path in done or not path.startswith("/") or path.startswith("/static/"):
                continue
            done.add(path)
            for htmx in (False, True):
                response = self.ask("get", path, htmx=htmx)
                if response.status_code in (301, 302):
                    waiting.append(response.url)
                elif "html" in response.headers["Content-Type"]:
                    waiting.extend(Links(response.content.decode()).found)
        return done


@pytest.fixture
def crawler(campaign, both, forbidden):
    return Crawler(signed_in(both[0]), both[0], forbidden)


@pytest.fixture
def api(campaign, both, forbidden):
    return Crawler(bearer(both[0], Permission.JUDGE), both[0], forbidden)


def answered_form(shown, **changes):
    return {"judgment_id": str(shown.judgment_id), "preference": "1", "active_ms": "900"} | changes


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_words_that_must_not_be_told_are_told_to_others(campaign, experiment, forbidden, lead):
    """The crawler would find them: a lead's answers have them."""
    client = bearer(lead, Permission.VIEW_EXPERIMENTS)
    answer = client.get(f"/api/v1/experiments/{experiment.public_id}").content.decode()
    assert "zz-secret" in answer
    assert ARM_WORDS.search(answer)
    assert sum(word in answer for word in forbidden) >= 5


def test_every_page_and_fragment_on_the_way_of_an_evaluator(crawler):
    assert crawler.walk() >= {"/", "/queue/", "/inbox/", "/profile/"}
    crawler.ask("post", "/profile/", {"languages": "de, german", "time_zone": "UTC"})
    crawler.ask("post", "/profile/", {"languages": "de", "time_zone": "UTC", "judgments_per_day": "400"})
    while shown := factory.next_for(crawler.evaluator):
        crawler.walk()
        submit, skip = (f"/review/{shown.public_id}/{act}/" for act in ("submit", "skip"))
        crawler.ask("get", "/review/")
        crawler.ask("get", submit)
        for htmx in (False, True):
            crawler.ask("post", submit, answered_form(shown, preference=""), htmx=htmx)
            crawler.ask("post", skip, {}, htmx=htmx)
            crawler.ask("post", submit, answered_form(shown, judgment_id="0"), htmx=htmx)
        if shown.slot.order_key % 3:
            crawler.ask("post", submit, answered_form(shown), htmx=bool(shown.slot.order_key % 2))
            crawler.ask("post", submit, answered_form(shown, preference="2"), htmx=True)
        else:
            crawler.ask("post", skip, {"reason": "Another reason"}, htmx=bool(shown.slot.order_key % 2))
    crawler.ask("post", "/queue/next/")
    crawler.walk()
    crawler.ask("post", "/agreement/")
    crawler.ask("post", "/inbox/read/")
    assert {422, 200, 302} <= crawler.statuses
    crawler.ask("post", "/logout/")


def test_an_assignment_that_went_to_somebody_else(crawler, both):
    late = factory.next_for(both[0])
    factory.lease_ends(late)
    factory.next_for(both[1])
    for htmx in (False, True):
        crawler.ask("post", f"/review/{late.public_id}/submit/", answered_form(late), htmx=htmx)
    crawler.walk()


def test_everything_that_the_screens_script_asks_for(crawler):
    """Cards, one fetched ahead, drafts, whose session it is, an undo; and why there is nothing."""
    while shown := factory.next_for(crawler.evaluator):
        crawler.ask("get", "/review/session/")
        crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
        crawler.ask("post", "/queue/next/", {"prefetch": "1"}, headers={"X-Judge": "card"})
        crawler.ask("get", f"/review/{shown.public_id}/")
        draft = {"preference": "tie", "comment": "half a thought"}
        crawler.ask("post", f"/review/{shown.public_id}/draft/", draft, content_type="application/json")
        crawler.ask("post", f"/review/{shown.public_id}/draft/", [], content_type="application/json")
        crawler.ask("get", "/review/")
        crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
        crawler.ask("post", f"/review/undo/{shown.judgment_id}/")
        shown.refresh_from_db()
        crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
        crawler.ask("get", f"/review/{shown.public_id}/")
    crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})


def test_every_reason_why_there_is_nothing(crawler, api, campaign, lead, both):
    """A task one may not have, a day that is full, an agreement that has changed: told without naming a system."""
    shown = factory.next_for(crawler.evaluator)

    def asked():
        crawler.ask("get", "/queue/")
        crawler.ask("post", "/queue/next/", headers={"X-Judge": "card"})
        crawler.ask("post", "/queue/next/", {"prefetch": "1"}, headers={"X-Judge": "card"})
        crawler.walk()
        body = {"prefetch": True, "campaign": str(campaign.public_id)}
        return api.ask("post", "/api/v1/queue/next", body, content_type="application/json").json()

    people.limited(both[0], lead, judgments=1)
    assert asked()["reason"] == "workload_cap"
    skill = people.skill(lead)
    campaign.skills.add(skill)
    assert asked()["reason"] == "not_qualified"
    publish_another(lead)
    assert asked()["reason"] == "agreement_unsigned"
    crawler.ask("get", "/agreement/?next=/queue/next/")
    crawler.ask("post", f"/review/{shown.public_id}/submit/", answered_form(shown))
    signed = {"digest": agreements.in_force().digest, "next": "/queue/next/"}
    assert crawler.ask("post", "/agreement/", signed).status_code == 307
    crawler.walk()


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


def doors(campaign, experiment, judge):
    """Addresses of leads, owners and others, with real ids."""
    request = promotion.PromotionRequest.objects.first()
    at_experiment = f"/experiments/{experiment.public_id}/"
    pages = [
        "/experiments/", at_experiment, f"{at_experiment}cancel/", f"{at_experiment}rerun/",
        "/campaigns/", f"/campaigns/{campaign.public_id}/", f"/campaigns/{campaign.public_id}/close/",
        f"/campaigns/{campaign.public_id}/gold/", f"/campaigns/{campaign.public_id}/appeal/", "/courses/",
        f"/campaigns/{campaign.public_id}/exclude/", f"/campaigns/{campaign.public_id}/flags/",
        f"/campaigns/{campaign.public_id}/unblock/", "/datasets/", "/datasets/zz-secret-dataset/",
        "/evaluators/", f"/evaluators/{judge.pseudonym}/", f"/evaluators/{judge.pseudonym}/limit/",
        "/skills/", "/agreement/texts/",
        "/promotions/", "/promotions/request/", "/ledger/", "/ledger/3/", "/no-such-page/",
        "/admin/", f"/admin/experiments/experiment/{experiment.pk}/change/", "/admin/ledger/ledgerentry/",
        "/admin/experiments/promotionrequest/", "/admin/accounts/user/", "/admin/no-such-page/",
    ]  # fmt: skip
    api = [
        "experiments", f"experiments/{experiment.public_id}", f"experiments/{experiment.public_id}/cancel",
        f"experiments/{experiment.public_id}/rerun", "components", "components/zz-secret-component/versions",
        "datasets", "datasets/zz-secret-dataset/versions", "datasets/zz-secret-dataset/versions/77.1",
        "datasets/zz-secret-dataset/versions/77.1/examples", "campaigns", f"campaigns/{campaign.public_id}",
        "rubrics/helpfulness/course", "rubrics/helpfulness/lessons",
        f"campaigns/{campaign.public_id}/agreement", f"campaigns/{campaign.public_id}/flags",
        "promotions", "production/zz-secret-component",
        "ledger/checkpoint", "ledger/entries/3", "ledger/proof", "no-such-call",
        "skills", "evaluators", f"evaluators/{judge.pseudonym}", f"evaluators/{judge.pseudonym}/skills",
    ]  # fmt: skip
    assert request is None
    return pages + [f"/api/v1/{call}" for call in api]


def test_doors_of_others_stay_shut_and_say_nothing(crawler, api, campaign, experiment, both):
    for path in doors(campaign, experiment, both[1]):
        for method in ("get", "post", "options", "put", "delete", "head"):
            for htmx in (False, True):
                shut = crawler.ask(method, path, htmx=htmx)
                assert shut.status_code in (302, 403, 404, 405), (method, path)
                if shut.status_code == 302:
                    assert shut.url.startswith("/admin/login/")
        if path.startswith("/api/"):
            for method in ("get", "post", "options", "put", "delete", "head"):
                assert api.ask(method, path).status_code in (403, 404, 405), (method, path)


def test_a_real_id_looks_like_an_invented_one(crawler, campaign, experiment):
    pairs = [
        (f"/campaigns/{campaign.public_id}/", f"/campaigns/{uuid.uuid4()}/"),
        (f"/experiments/{experiment.public_id}/", "/experiments/exp-20200101-001/"),
        (f"/api/v1/campaigns/{campaign.public_id}", f"/api/v1/campaigns/{uuid.uuid4()}"),
        ("/datasets/zz-secret-dataset/", "/datasets/other/"),
    ]
    for real, invented in pairs:
        answers = [crawler.ask("get", path) for path in (real, invented)]
        assert answers[0].status_code == answers[1].status_code
        assert CSRF.sub("", answers[0].content.decode()) == CSRF.sub("", answers[1].content.decode())


# ── API ──────────────────────────────────────────────────────────────────────────────────────────────


def test_every_answer_of_the_api_on_the_way_of_an_evaluator(api, campaign):
    def post(path, **body):
        return api.ask("post", f"/api/v1/{path}", body, content_type="application/json")

    judged = 0
    post("queue/next", campaign=str(uuid.uuid4()))
    while (found := post("queue/next", campaign=str(campaign.public_id)).json())["assignment"]:
        assert found.keys() == {
            "assignment", "asks_guess", "item", "judgment_id", "lease_expires_at", "rubric"
        }  # fmt: skip
        assert found["item"].keys() == {"prompt", "prompt_format", "contexts", "media", "responses"}
        assert [sorted(response) for response in found["item"]["responses"]] == [
            ["contexts", "format", "media", "slot", "text"]
        ] * 2
        at = f"assignments/{found['assignment']}"
        post(f"{at}/activate")
        post(f"{at}/heartbeat")
        ahead = post("queue/next", campaign=str(campaign.public_id), prefetch=True).json()
        post(f"{at}/judgment", judgment_id=found["judgment_id"], preference="neither")
        post(f"{at}/skip")
        if judged == 2:
            post(f"{at}/skip", reason="not my subject")
        elif judged == 3:
            post(f"{at}/release")
            judged += 1
            continue
        else:
            stored = post(f"{at}/judgment", judgment_id=found["judgment_id"], preference=2)
            assert stored.json()["preference"] == 2
            post(f"{at}/judgment", judgment_id=found["judgment_id"], preference=1)
            if judged % 2:
                undone = post(f"judgments/{found['judgment_id']}/undo").json()
                post(f"{at}/judgment", judgment_id=undone["judgment_id"], preference="tie")
                post(f"judgments/{found['judgment_id']}/undo")
            if ahead["assignment"]:
                post(f"assignments/{ahead['assignment']}/activate")
        post(f"{at}/release")
        post(f"{at}/heartbeat")
        judged += 1
    post(f"assignments/{uuid.uuid4()}/judgment", judgment_id=str(uuid.uuid4()), preference=1)
    post(f"judgments/{uuid.uuid4()}/undo")
    assert {200, 201, 400, 403, 409} <= api.statuses


def test_the_contract_is_the_same_for_all_and_names_nothing(api, crawler):
    """It speaks of arms, as a contract must; it says nothing about any experiment."""
    for reader in (api, crawler):
        assert reader.ask("get", "/api/v1/schema/", arm_words=False).status_code == 200


# ── The screen ───────────────────────────────────────────────────────────────────────────────────────


def test_the_two_orders_of_a_task_differ_in_nothing_but_the_order(crawler, both):
    shown = factory.next_for(both[0])

    def page():
        return CSRF.sub("", crawler.ask("get", "/review/").content.decode())

    one_way = page()
    Slot.objects.filter(pk=shown.slot_id).update(places=shown.slot.places[::-1])
    other_way = page()
    first, second = factory.texts_of(shown.task)
    assert one_way != other_way
    # Once as rendered, and once more raw for those who ask for it.
    assert one_way.count(first) == one_way.count(second) == 2
    swapped = other_way.replace(first, "\0").replace(second, first).replace("\0", second)
    assert one_way == swapped


def test_what_is_read_stays_out_of_caches(crawler, both):
    factory.next_for(both[0])
    for path in ("/review/", "/queue/", "/inbox/"):
        headers = crawler.ask("get", path).headers
        assert headers["Cache-Control"] == "no-store"
        assert not {"ETag", "Last-Modified", "Server-Timing"} & set(headers)


def test_ids_are_random_and_say_nothing_about_their_order(campaign, both):
    shown = factory.next_for(both[0])
    for row_id in (shown.public_id, shown.judgment_id, shown.task.public_id):
        assert row_id.version == 4
