"""Hidden gold: it looks like any task, counts in no figure, and its feedback waits for the lead."""

import json
import re
from collections import Counter

import pytest

from annotation import campaigns, opening, presenters
from annotation.agreement import figures
from annotation.items import read_items
from annotation.models import Appeal, Assignment, Gold, Judgment, Response, Slot, Task
from annotation.quality import gold
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications.models import Notification
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories.courses import item
from tests.query_growth import no_query_growth

REASON = "Both name the same number."
UUIDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
CSRF = re.compile(r"(?<=[\"'])[A-Za-z0-9]{64}(?=[\"'])")
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:.+]+|\d\d [A-Z][a-z]{2} \d{4}, \d\d:\d\d|\d\d:\d\d:\d\d")


def gold_line(number, preference=2):
    return item(number, gold={"preference": preference, "why": "Because it is right."})


@pytest.fixture
def campaign(lead):
    """Eight tasks, four of them gold, two judgments each."""
    opened = opening.open_stand_alone(name="Mixed", overlap=2, due_at=None, by=lead, at=clock.now())
    lines = [gold_line(number) if number % 2 else item(number) for number in range(8)]
    opening.add_items(opened.pk, read_items(lines), by=lead, at=clock.now())
    return opened


def better(shown):
    """The place of the response that gold calls right, in gold and in other tasks alike."""
    return 1 if (factory.sources_of(shown.task)[0] == "system-b") == (shown.slot.places == "01") else 2


def worse(shown):
    return 3 - better(shown)


def judged(campaign, *evaluators, prefer=better):
    factory.judge_everything(evaluators, prefer)
    return Judgment.objects.filter(campaign=campaign, task__gold__isnull=False)


# ── Like any task ────────────────────────────────────────────────────────────────────────────────────


def shape(value):
    """JSON without its content: keys, their order, and types."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


def without_content(text, shown):
    """Without what the line said, ids, times and the place in the row of tasks."""
    for words, mark in [(shown.task.prompt, "P"), *((words, "R") for words in factory.texts_of(shown.task))]:
        text = text.replace(words, mark)
    text = TIMES.sub("T", UUIDS.sub("U", CSRF.sub("C", text)))
    return re.sub(r"Task \d of 8|\d / 8|value=\"\d\"|data-number=\"\d\"", "N", text)


def test_every_byte_of_a_gold_task_is_like_that_of_any_other(campaign, evaluator_one):
    """JSON, screen, card, submission, undo and one's own page, headers included, but for what the lines said."""
    api, client = bearer(evaluator_one, Permission.JUDGE), signed_in(evaluator_one)
    seen = {True: set(), False: set()}

    def whole(answer, body):
        headers = {name: value for name, value in answer.headers.items() if name != "Content-Length"}
        return json.dumps([answer.status_code, headers, body])

    while shown := factory.next_for(evaluator_one):

        def get(path, shown=shown):
            answer = client.get(path)
            return whole(answer, without_content(answer.content.decode(), shown))

        def post(path, **body):
            answer = api.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")
            return whole(answer, shape(answer.json()))

        at = f"assignments/{shown.public_id}"
        answers = [get("/review/"), get(f"/review/{shown.public_id}/"), post("queue/next")]
        answers.append(post(f"{at}/judgment", judgment_id=str(shown.judgment_id), preference="tie"))
        answers.append(post(f"judgments/{shown.judgment_id}/undo"))
        shown.refresh_from_db()
        answers.append(post(f"{at}/judgment", judgment_id=str(shown.judgment_id), preference=1))
        answers.append(get("/review/mine/").split("</li>")[0].split("<ul class=")[-1])
        seen[Gold.objects.filter(task=shown.task).exists()].add(tuple(answers))
    assert len(seen[True]) == 1
    assert seen[True] == seen[False]


def test_gold_rows_are_like_any_others_but_for_their_gold(campaign):
    """As many slots and responses, the same due time; in the order of the queue they are mixed in."""
    for is_gold in (True, False):
        tasks = Task.objects.filter(gold__isnull=not is_gold)
        assert tasks.count() == 4
        assert (
            Slot.objects.filter(task__in=tasks).count()
            == Response.objects.filter(task__in=tasks).count()
            == 8
        )
    assert len(set(Slot.objects.values_list("due_at", flat=True))) == 1


def test_gold_does_not_upset_the_balance_of_what_counts(campaign):
    for is_gold in (True, False):
        slots = Slot.objects.filter(ordinal=0, task__gold__isnull=not is_gold).select_related("task")
        sides = Counter(
            (factory.sources_of(each.task)[0] == "system-a") == (each.places == "01") for each in slots
        )
        assert sides == {True: 2, False: 2}


@pytest.mark.parametrize("preference", [1, 2, "tie", "both_bad"])
def test_gold_names_the_response_whichever_was_drawn_to_be_first(lead, preference):
    opened = opening.open_stand_alone(name="Drawn", overlap=1, due_at=None, by=lead, at=clock.now())
    lines = [gold_line(number, preference) for number in range(12)]
    opening.add_items(opened.pk, read_items(lines), by=lead, at=clock.now())
    wanted = {1: "system-a", 2: "system-b"}.get(preference, preference)
    for row in Gold.objects.select_related("task"):
        first, second = factory.sources_of(row.task)
        assert {"first": first, "second": second}.get(row.choice, row.choice) == wanted


def test_a_bad_gold_is_located_and_nothing_is_added(lead):
    opened = opening.open_stand_alone(name="Bad", overlap=1, due_at=None, by=lead, at=clock.now())
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)
    answer = client.post(
        f"/api/v1/campaigns/{opened.public_id}/tasks",
        item(1) + item(2, gold={"preference": "system-a", "why": "x"}),
        content_type="application/x-ndjson",
    )
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "gold.preference"
    assert not Task.objects.exists()


# ── Never counted ────────────────────────────────────────────────────────────────────────────────────


def test_what_is_said_about_gold_changes_no_figure(lead, both):
    """Two campaigns with the same answers to the same items, one with gold among them."""
    found = []
    for with_gold in (False, True):
        opened = opening.open_stand_alone(name="Twin", overlap=2, due_at=None, by=lead, at=clock.now())
        lines = [item(number) for number in range(6)]
        lines += [gold_line(number) for number in range(6, 12)] if with_gold else []
        opening.add_items(opened.pk, read_items(lines), by=lead, at=clock.now())
        one, two = both
        factory.judge_everything([one], better)
        factory.judge_everything(
            [two], lambda shown: better(shown) if int(shown.task.item[-1]) % 2 else "tie"
        )
        assert opened.judgments.count() == (24 if with_gold else 12)
        answer = figures.of(opened, at=clock.now()).as_json(name_of=str)
        # Of left picks the share depends on sides, which are drawn; how many there are does not.
        answer["left_picks"] = answer.get("left_picks", {}).get("n")
        found.append(answer)
    assert found[0] == found[1]
    assert found[0]["n_judgments"] == 12


def test_the_root_proves_gold_judgments_too_and_says_that_they_do_not_count(
    campaign, both, lead, monkeypatch
):
    judged(campaign, *both)
    leaves = []
    real = campaigns.canonical_json
    monkeypatch.setattr(campaigns, "canonical_json", lambda leaf: leaves.append(leaf) or real(leaf))
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert Counter(leaf.get("gold", False) for leaf in leaves) == {True: 8, False: 8}
    assert LedgerEntry.objects.filter(event="campaign_closed").exists()


# ── Feedback and appeals ─────────────────────────────────────────────────────────────────────────────


def page_of(evaluator, query=""):
    return signed_in(evaluator).get(f"/review/mine/{query}").content.decode()


def test_feedback_waits_for_the_lead_or_the_closing(campaign, both, lead):
    judged(campaign, *both, prefer=worse)
    assert "Because it is right" not in page_of(both[0])
    gold.release(campaign.pk, by=lead, at=clock.now())
    assert page_of(both[0]).count("Because it is right") == 4
    with pytest.raises(Refused, match="see already"):
        gold.release(campaign.pk, by=lead, at=clock.now())


def test_closing_releases_it(campaign, both, lead):
    judged(campaign, *both)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert page_of(both[0]).count("Like the reference answer") == 4


def test_feedback_is_about_what_nobody_can_undo(campaign, evaluator_one, lead):
    gold.release(campaign.pk, by=lead, at=clock.now())
    while shown := factory.next_for(evaluator_one):
        judgment = factory.judge(shown, worse(shown))
        if Gold.objects.filter(task=shown.task).exists():
            break
    assert "Because it is right" not in page_of(evaluator_one)[:60_000].split(">Final<")[0]
    with pytest.raises(Refused, match="no feedback"):
        gold.appeal(judgment.public_id, by=evaluator_one, reason=REASON, at=clock.now())
    factory.the_minute_passes()
    assert "Because it is right" in page_of(evaluator_one)


def test_an_appeal_against_a_task_tells_nothing_before_the_release(campaign, both, lead):
    """Whether it is gold or not, the answer is the same."""
    judged(campaign, *both, prefer=worse)
    client = signed_in(both[0])
    pages = set()
    for judgment in Judgment.objects.filter(evaluator=both[0]):
        path = f"/review/mine/{judgment.public_id}/appeal/"
        pages.add(CSRF.sub("", client.post(path, {"reason": REASON}, follow=True).content.decode()))
    assert len(pages) == 1
    assert not Appeal.objects.exists()


@pytest.fixture
def appealed(campaign, both, lead):
    """Both were wrong, the feedback is out, and one has appealed about the first."""
    rows = judged(campaign, *both, prefer=worse)
    gold.release(campaign.pk, by=lead, at=clock.now())
    judgment = rows.filter(evaluator=both[0]).first()
    form = {"reason": REASON}
    page = signed_in(both[0]).post(f"/review/mine/{judgment.public_id}/appeal/", form, follow=True)
    assert "is with the lead" in page.content.decode()
    return judgment


def test_an_appeal_is_made_once_and_by_oneself_against_what_was_wrong(appealed, both, campaign):
    at = clock.now()
    with pytest.raises(Refused, match="once"):
        gold.appeal(appealed.public_id, by=both[0], reason=REASON, at=at)
    with pytest.raises(Refused, match="no such judgment"):
        gold.appeal(appealed.public_id, by=both[1], reason=REASON, at=at)
    other = (
        Judgment.objects.filter(evaluator=both[0], task__gold__isnull=False).exclude(pk=appealed.pk).first()
    )
    with pytest.raises(Invalid):
        gold.appeal(other.public_id, by=both[0], reason="no", at=at)
    plain = Judgment.objects.filter(evaluator=both[0], task__gold=None).first()
    with pytest.raises(Refused, match="no feedback"):
        gold.appeal(plain.public_id, by=both[0], reason=REASON, at=at)
    Gold.objects.filter(task=other.task).update(choice=other.choice)
    with pytest.raises(Refused, match="does not say"):
        gold.appeal(other.public_id, by=both[0], reason=REASON, at=at)


def answered(lead, campaign, appealed, outcome):
    form = {
        "judgment": str(appealed.public_id),
        "outcome": outcome,
        "reason": "The number is the same indeed.",
    }
    return (
        signed_in(lead).post(f"/campaigns/{campaign.public_id}/appeal/", form, follow=True).content.decode()
    )


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("declined", ["The reference answer is:", "Because it is right."]),
        ("corrected", ["Like the reference answer.", "Corrected after an appeal"]),
        ("suspended", ["not used as a measure any more"]),
    ],
)
def test_the_lead_sees_an_appeal_and_answers_it(campaign, appealed, both, lead, outcome, told):
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert REASON in page
    assert "said “system-a”, gold said “system-b”" in page
    assert Notification.objects.filter(recipient=lead, subject__contains="appeals").count() == 1
    assert "is answered" in answered(lead, campaign, appealed, outcome)
    assert "answered before" in answered(lead, campaign, appealed, "declined")
    row = Appeal.objects.get()
    assert (row.outcome, row.gold_why, row.answered_by) == (outcome, "Because it is right.", lead)
    assert Notification.objects.filter(recipient=both[0], subject="Your appeal was answered").exists()
    mine = page_of(both[0])
    assert "The number is the same indeed." in mine
    # The other evaluator of the same item is told what holds now, and nothing of the appeal.
    theirs = page_of(both[1])
    assert not [sentence for sentence in told if sentence not in theirs]
    assert REASON not in theirs


def test_suspended_gold_has_no_answer_that_could_be_corrected(campaign, appealed, both, lead):
    answered(lead, campaign, appealed, "suspended")
    Appeal.objects.update(outcome="", answer="", answered_by=None, answered_at=None)
    with pytest.raises(Conflict, match="suspended"):
        gold.answer(
            appealed.public_id, campaign, outcome="corrected", answer="It is right.", by=lead, at=clock.now()
        )


def test_an_answer_needs_an_outcome_and_a_sentence(campaign, appealed, lead):
    for outcome, sentence in [("", "The number is the same."), ("declined", "no")]:
        with pytest.raises(Invalid):
            gold.answer(
                appealed.public_id, campaign, outcome=outcome, answer=sentence, by=lead, at=clock.now()
            )
    assert Appeal.objects.get().outcome == ""


# ── The page of one's own work ───────────────────────────────────────────────────────────────────────


def test_the_page_lists_what_one_judged_in_the_places_of_the_screen(campaign, both):
    shown = factory.next_for(both[0])
    factory.judge(shown, 2, active_ms=0)
    page = page_of(both[0])
    assert "Response 2 is better" in page
    assert shown.task.prompt in page
    assert "Can be undone until" in page
    assert "system-" not in page
    assert "Nothing judged yet" in page_of(both[1])


def test_an_answer_can_be_undone_from_the_page(campaign, evaluator_one):
    shown = factory.next_for(evaluator_one)
    judgment = factory.judge(shown, 2)
    action = f"/review/undo/{judgment.public_id}/"
    assert action in page_of(evaluator_one)
    assert signed_in(evaluator_one).post(action).url == "/review/"
    assert factory.next_for(evaluator_one) == shown
    page = page_of(evaluator_one)
    assert "Undone by you" in page
    assert action not in page


def test_active_time_is_added_by_day_and_in_all(campaign, evaluator_one):
    for ms in (90_000, 30_000, None):
        shown = factory.next_for(evaluator_one)
        Assignment.objects.filter(pk=shown.pk).update(shown_at=clock.now() - campaigns.dt.timedelta(hours=1))
        factory.judge(Assignment.objects.get(pk=shown.pk), 1, active_ms=ms)
    undone = Judgment.objects.order_by("submitted_at").first()
    page = page_of(evaluator_one)
    assert "<strong>2 min 0 s</strong> in all, for 3 answers; measured for 2 of them" in page
    Judgment.objects.filter(pk=undone.pk).update(state="undone", settled_at=clock.now())
    assert "<strong>30 s</strong> in all, for 2 answers; measured for 1 of them" in page_of(evaluator_one)


def test_older_pages_by_a_cursor_that_is_ones_own(lead, both):
    opened = opening.open_stand_alone(name="Long", overlap=1, due_at=None, by=lead, at=clock.now())
    opening.add_items(opened.pk, read_items(item(n) for n in range(60)), by=lead, at=clock.now())
    factory.judge_everything([both[0]])
    listed, query = [], ""
    for size in (25, 25, 10):
        page = page_of(both[0], query)
        found = re.findall(r"What is (\d+)\?", page)
        assert len(found) == size
        listed += found
        older = re.search(r"\?before=[0-9a-f-]+", page)
        query = older[0] if older else ""
    assert sorted(listed, key=int) == [str(n) for n in range(60)]
    assert not query
    theirs = Judgment.objects.first()
    assert "Nothing judged" in page_of(both[1], f"?before={theirs.public_id}")
    assert page_of(both[0], "?before=nonsense").count("?</p>") == 25


def test_the_page_costs_the_same_with_more_rows(lead, campaign, both):
    opened = opening.open_stand_alone(name="Long", overlap=1, due_at=None, by=lead, at=clock.now())
    lines = [gold_line(n) for n in range(20)]
    opening.add_items(opened.pk, read_items(lines), by=lead, at=clock.now())
    gold.release(opened.pk, by=lead, at=clock.now())
    client = signed_in(both[0])

    def judge(number):
        shown = factory.next_for(both[0])
        factory.judge(shown, worse(shown))
        factory.the_minute_passes()

    for number in range(9):  # the other campaign's, and one
        judge(number)
    no_query_growth(lambda: client.get("/review/mine/"), judge)


def test_the_campaigns_page_costs_the_same_with_more_appeals(campaign, appealed, both, lead):
    rows = iter(Judgment.objects.filter(task__gold__isnull=False).exclude(pk=appealed.pk).order_by("pk"))

    def appeal(number):
        row = next(rows)
        gold.appeal(row.public_id, by=row.evaluator, reason=REASON, at=clock.now())

    client = signed_in(lead)
    no_query_growth(lambda: client.get(campaign.get_absolute_url()), appeal, rows=6)


def test_numbers_on_the_screen_count_gold_like_any_task(campaign, evaluator_one):
    for number in range(1, 9):
        shown = factory.next_for(evaluator_one)
        assert (presenters.screen(shown).number, presenters.screen(shown).total) == (number, 8)
        factory.judge(shown)


def test_another_lead_reads_the_page_and_others_do_not_answer(campaign, appealed, owner, both):
    for by in (owner, both[1], signed(person("third", Role.EVALUATOR))):
        with pytest.raises(Refused):
            gold.answer(
                appealed.public_id,
                campaign,
                outcome="declined",
                answer="It stands as it is.",
                by=by,
                at=clock.now(),
            )
