"""Which tasks are in conflict, in which order, and what leads see of it."""

import pytest

from annotation import campaigns, judging, opening, overlap
from annotation.items import read_items
from annotation.jobs import extend_overlap
from annotation.models import Judgment, Task
from annotation.settling import conflicts
from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import courses, settling
from tests.query_growth import no_query_growth, queries_of

PROTOCOLS = list(factory.USUAL)


def waiting(campaign):
    return conflicts.waiting(campaign, at=clock.now())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_every_protocol_what_contradicts_is_in_conflict_and_what_agrees_is_not(protocol, lead, both):
    campaign = factory.stand_alone(protocol, lead=lead)
    # In the same words of places a ranking is another one for each.
    same = {"ranking": [[1, 2, 3]]} if protocol == "ranking" else factory.USUAL[protocol]
    for evaluator in both:
        while shown := factory.next_for(evaluator):
            factory.judge(shown, **same)
    factory.the_minute_passes()
    assert waiting(campaign) == []
    assert conflicts.overview(campaign, at=clock.now()).compared == 3
    another = factory.stand_alone(protocol, lead=lead)
    settling.disagree(another, *both)
    assert len(waiting(another)) == 3
    assert waiting(campaign) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_of_every_protocol_a_senior_evaluator_sees_it_and_settles_it(protocol, lead, both, senior):
    campaign = factory.stand_alone(protocol, lead=lead)
    settling.disagree(campaign, *both, comment="As I see it.")
    api = bearer(senior, Permission.JUDGE)
    found = api.post("/api/v1/conflicts/next", {}, content_type="application/json").json()
    assert {each["comment"] for each in found["said"]} == {"As I see it."}
    usual = factory.USUAL[protocol]
    body = usual | {"cause": "mistake", "active_ms": 1200}
    path = f"/api/v1/hearings/{found['hearing']}/adjudication"
    stored = [api.post(path, body, content_type="application/json") for _ in range(2)]
    assert [each.status_code for each in stored] == [201, 200]
    for name, value in usual.items():
        assert stored[0].json()[name] == value
    assert len(waiting(campaign)) == 2


def test_what_was_said_stands_in_the_places_that_the_adjudicator_sees(lead, both, senior):
    """Both prefer what one system wrote, wherever it stood, and differ in the third."""
    campaign = factory.stand_alone("pairwise", lead=lead, overlap=3, items=16)
    third = signed(person("third", Role.EVALUATOR))

    def prefers_a(shown):
        return shown.slot.places.index(str(factory.sources_of(shown.task).index("zz-secret-a"))) + 1

    factory.judge_everything(both, prefers_a)
    factory.judge_everything([third])
    api = bearer(senior, Permission.JUDGE)
    places = set()
    while True:
        found = api.post("/api/v1/conflicts/next", {}, content_type="application/json").json()
        if not found["hearing"]:
            break
        texts = [each["text"] for each in found["item"]["responses"]]
        place = next(n for n, text in enumerate(texts, start=1) if text.startswith("aaa"))
        assert sorted(str(each["preference"]) for each in found["said"]) == sorted([str(place)] * 2 + ["tie"])
        places.add(place)
        api.post(
            f"/api/v1/hearings/{found['hearing']}/adjudication",
            {"preference": 1, "cause": "mistake"},
            content_type="application/json",
        )
    assert places == {1, 2}
    assert campaign.adjudications.count() == 16


def test_a_comment_that_speaks_of_other_places_says_so(disputed_with_comments, senior):
    api = bearer(senior, Permission.JUDGE)
    found = api.post("/api/v1/conflicts/next", {}, content_type="application/json").json()
    notes = {each["order_note"] for each in found["said"]}
    assert notes == {
        "",
        "Written with the responses in another order: Response 1 is your Response 2, "
        "Response 2 is your Response 1.",
    }


@pytest.fixture
def disputed_with_comments(campaign, both):
    settling.disagree(campaign, *both, comment="Response 1 is wrong.")
    return campaign


def test_evaluators_stand_in_an_order_that_tells_nothing(lead, both, senior):
    """Not that in which they judged, nor that of their accounts: about half the time either comes first."""
    campaign = factory.stand_alone("pairwise", lead=lead, items=24)
    settling.disagree(campaign, *both)
    first = []
    while shown := settling.next_conflict(senior):
        first.append(Judgment.objects.get(public_id=shown.judgments[0]).evaluator_id)
        settling.settle(shown)
    assert 4 <= first.count(both[0].pk) <= 20


def test_the_lowest_agreement_comes_first(lead, senior):
    three = [signed(person(f"judge{n}", Role.EVALUATOR)) for n in range(3)]
    campaign = factory.stand_alone("pairwise", lead=lead, items=4, overlap=3)
    said = {
        "zz-secret-item-0": ["tie", "tie", "tie"],
        "zz-secret-item-1": ["tie", "tie", "both_bad"],
        "zz-secret-item-2": ["tie", "both_bad", 1],
        "zz-secret-item-3": ["both_bad", "both_bad", "tie"],
    }
    for number, evaluator in enumerate(three):
        factory.judge_everything([evaluator], lambda shown, number=number: said[shown.task.item][number])
    found = waiting(campaign)
    items = dict(Task.objects.values_list("pk", "item"))
    assert items[found[0].task] == "zz-secret-item-2"
    assert [round(each.found.agreement, 3) for each in found] == [0, 0.333, 0.333]
    assert settling.next_conflict(senior).task_id == found[0].task


def test_gold_is_in_no_conflict(lead, both):
    campaign = opening.open_stand_alone(name="Gold", overlap=2, due_at=None, by=lead, at=clock.now())
    lines = [courses.item(1, gold={"preference": 1, "why": "It is right."}), courses.item(2)]
    opening.add_items(campaign.pk, read_items(lines), by=lead, at=clock.now())
    settling.disagree(campaign, *both)
    assert [Task.objects.get(pk=each.task).item for each in waiting(campaign)] == ["item 2"]


def test_under_adaptive_overlap_more_people_are_asked_before_a_senior_evaluator_is(lead, both, senior):
    rule = overlap.Adaptive(min=2, max=3, confidence=0.99, calibration_share=0.0)
    campaign = opening.open_stand_alone(name="Growing", overlap=rule, due_at=None, by=lead, at=clock.now())
    factory.add_answers(campaign, "ab", lead=lead, items=1)
    settling.disagree(campaign, *both)
    Judgment.objects.update(state="final", settled_at=clock.now())
    assert waiting(campaign) == []
    extend_overlap()
    assert waiting(campaign) == []
    third = signed(person("third", Role.EVALUATOR))
    factory.judge_everything([third], lambda shown: 1)
    Judgment.objects.update(state="final", settled_at=clock.now())
    assert waiting(campaign) == []
    extend_overlap()
    (found,) = waiting(campaign)
    assert found.judgments == 3


def test_a_simulated_campaign_has_nothing_to_settle(disputed, senior):
    disputed.is_simulated = True
    disputed.save()
    assert settling.why_none(senior) == "all_done"


# ── What leads see ───────────────────────────────────────────────────────────────────────────────────


def test_by_api_leads_see_how_much_and_where_but_not_who_said_what(disputed, lead, senior):
    settling.settle(settling.next_conflict(senior), cause="ambiguous")
    held = settling.next_conflict(senior)
    answer = bearer(lead, Permission.VIEW_CAMPAIGNS).get(f"/api/v1/campaigns/{disputed.public_id}/conflicts")
    found = answer.json()
    assert (found["compared"], found["in_conflict"], found["settled"], found["waiting"]) == (3, 3, 1, 2)
    assert found["causes"]["ambiguous"] == 1
    assert found["by_stratum"] == [{"stratum": "", "in_conflict": 3, "compared": 3}]
    assert {each["agreement"] for each in found["conflicts"]} == {0.0}
    assert str(held.public_id) not in answer.content.decode()
    assert "both_bad" not in answer.content.decode()


def test_the_page_says_what_waits_what_is_settled_and_tells_systems_only_once_closed(disputed, lead, senior):
    client = signed_in(lead)
    path = f"/campaigns/{disputed.public_id}/conflicts/"
    nobody_yet = client.get(path).content.decode()
    row = settling.settle(
        settling.next_conflict(senior), preference=1, comment="It <b>says</b> so.", note="What of ties?"
    )
    page = client.get(path).content.decode()
    assert "1 of 3" in page
    assert "It &lt;b&gt;says&lt;/b&gt; so." in page
    assert senior.pseudonym in page
    assert senior.username not in page
    assert "zz-secret-a" not in page
    assert "zz-secret-b" not in page
    assert "What of ties?" in client.get(disputed.get_absolute_url()).content.decode()
    assert "1 senior evaluator." in nobody_yet
    campaigns.close(disputed.pk, by=lead, at=clock.now())
    chosen = factory.sources_of(row.task)[["first", "second"].index(row.choice)]
    assert chosen in client.get(path).content.decode()


def test_an_empty_page_says_what_to_do(campaign, lead):
    assert (
        "No open disagreements"
        in signed_in(lead).get(f"{campaign.get_absolute_url()}conflicts/").content.decode()
    )


def test_pages_ask_no_more_for_more_conflicts(lead, both, senior):
    campaign = factory.stand_alone("pairwise", lead=lead, items=24)
    settling.disagree(campaign, *both)
    client = signed_in(lead)
    settling.settle(settling.next_conflict(senior))

    def visit():
        for path in ("", "conflicts/"):
            assert client.get(f"{campaign.get_absolute_url()}{path}").status_code == 200
        api = bearer(lead, Permission.VIEW_CAMPAIGNS)
        assert api.get(f"/api/v1/campaigns/{campaign.public_id}/conflicts").status_code == 200

    no_query_growth(visit, lambda number: settling.settle(settling.next_conflict(senior)))


def test_claiming_asks_no_more_where_many_were_judged_by_oneself(lead, both, senior):
    """Whoever settles much has judged much."""
    campaign = factory.stand_alone("pairwise", lead=lead, items=3, overlap=2)
    settling.disagree(campaign, *both)
    settling.senior(both[0], lead=lead)

    def ask():
        assert settling.why_none(both[0]) == "own_judgment"

    def add(number):
        factory.add_answers(campaign, "ab", lead=lead, items=1, item=f"more-{number}")
        settling.disagree(campaign, *both)

    no_query_growth(ask, add, rows=4)


def test_the_screen_asks_no_more_for_more_judgments(lead, senior):
    def screen_of(overlap):
        factory.stand_alone("pairwise", lead=lead, items=1, overlap=overlap)
        people = [signed(person(f"judge{overlap}-{n}", Role.EVALUATOR)) for n in range(overlap)]
        for number, evaluator in enumerate(people):
            factory.judge_everything(
                [evaluator], lambda shown, number=number: ["tie", "both_bad"][number % 2]
            )
        shown = settling.next_conflict(senior)
        return f"/conflicts/{shown.public_id}/", shown

    client = signed_in(senior)
    counts = []
    for number in (2, 6):
        path, shown = screen_of(number)
        client.get(path)
        counts.append(len(queries_of(lambda path=path: client.get(path))))
        settling.settle(shown)
    assert counts[0] == counts[1]


def test_of_a_large_campaign_the_first_ones_are_compared(lead, both, monkeypatch):
    campaign = factory.stand_alone("pairwise", lead=lead, items=6)
    for evaluator, choice in zip(both, (1, 2), strict=True):
        while shown := factory.next_for(evaluator):
            first = shown.slot.places.index("0") + 1
            factory.judge(shown, first if choice == 1 else 3 - first)
    factory.the_minute_passes()
    assert len(conflicts.waiting(campaign, at=clock.now())) == 6
    monkeypatch.setattr(conflicts, "COMPARED_UP_TO", 2)
    assert len(conflicts.waiting(campaign, at=clock.now())) == 2
    found = conflicts.overview(campaign, at=clock.now())
    assert (found.compared, len(found.waiting), found.is_partial) == (2, 2, True)
    page = signed_in(lead).get(f"{campaign.get_absolute_url()}conflicts/").content.decode()
    assert "its first 2 items were compared" in page
    assert "a page of their own" in signed_in(lead).get(campaign.get_absolute_url()).content.decode()


def rated_by_two(lead, both, points):
    """A large campaign whose items are rated by both, in this order."""
    campaign = factory.stand_alone("rating", lead=lead, items=len(points))
    place = dict(zip(campaign.tasks.order_by("pk"), points, strict=True))
    for number, evaluator in enumerate(both):
        while shown := factory.next_for(evaluator):
            factory.judge(shown, rating=place[shown.task][number])
    factory.the_minute_passes()
    # Of a large campaign it is what the worker has marked that is compared.
    judging.settle_old(at=clock.now())
    return campaign


def test_items_that_differ_and_do_not_contradict_each_other_hide_no_conflict_behind_them(
    lead, both, senior, monkeypatch
):
    """However many people rated a point apart: these are never settled, and so never out of the way."""
    campaign = rated_by_two(lead, both, [(3, 4)] * 4 + [(1, 5)])
    monkeypatch.setattr(conflicts, "COMPARED_UP_TO", 2)
    shown = settling.next_conflict(senior)
    assert shown
    assert shown.task == campaign.tasks.order_by("pk")[4]


def test_of_a_large_campaign_no_more_is_settled_than_was_compared(lead, both, senior, monkeypatch):
    campaign = rated_by_two(lead, both, [(1, 5)] * 4)
    while shown := settling.next_conflict(senior):
        settling.settle(shown)
    monkeypatch.setattr(conflicts, "COMPARED_UP_TO", 2)
    found = conflicts.overview(campaign, at=clock.now())
    assert (found.compared, found.in_conflict, found.settled) == (2, 2, 2)
