"""What every protocol has alike, and what an answer is in each: rating, ranking and spans beside pairwise."""

import json

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from annotation import campaigns, presenters
from annotation.answers import Answer
from annotation.models import Campaign, Judgment, Rubric, Task
from annotation.protocols import rules_of
from annotation.rubrics import Details, Reason
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Invalid
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

PROTOCOLS = list(factory.USUAL)
HEADLINES = {protocol: rules_of(protocol).headline for protocol in PROTOCOLS}


@pytest.fixture(params=PROTOCOLS)
def campaign(request, lead):
    return factory.stand_alone(request.param, lead=lead)


@pytest.fixture
def shown(campaign, evaluator_one):
    return factory.next_for(evaluator_one)


@pytest.fixture
def api(evaluator_one):
    client = bearer(evaluator_one, Permission.JUDGE)

    def post(path, **body):
        return client.post(f"/api/v1/{path}", body, content_type="application/json")

    return post


@pytest.fixture
def lead_api(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


# ── Alike in all ─────────────────────────────────────────────────────────────────────────────────────


def test_by_api_an_answer_comes_back_as_it_was_given_and_can_be_undone(campaign, api):
    usual, headline = factory.USUAL[campaign.protocol], HEADLINES[campaign.protocol]
    shown = api("queue/next").json()
    assert shown["rubric"]["protocol"] == campaign.protocol
    assert [each["slot"] for each in shown["item"]["responses"]] == list(
        range(1, factory.RESPONSES[campaign.protocol] + 1)
    )
    ahead = api("queue/next", prefetch=True).json()
    at = f"assignments/{shown['assignment']}/judgment"
    first = api(at, judgment_id=shown["judgment_id"], **usual)
    again = api(at, judgment_id=shown["judgment_id"], **usual)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()[headline] == usual[headline]
    assert not (set(HEADLINES.values()) - {headline}) & set(first.json())
    back = api(f"judgments/{shown['judgment_id']}/undo").json()
    late = api(at, judgment_id=shown["judgment_id"], **usual)
    assert (late.status_code, late.json()["state"]) == (200, "undone")
    newly = api(at, judgment_id=back["judgment_id"], comment="after all", **usual)
    assert (newly.status_code, newly.json()[headline]) == (201, usual[headline])
    assert api("queue/next").json()["assignment"] == ahead["assignment"]


def test_the_other_protocols_answers_are_refused_and_change_nothing(campaign, shown, api):
    for protocol, answer in factory.USUAL.items():
        if protocol == campaign.protocol:
            continue
        both = factory.USUAL[campaign.protocol] | answer
        for body in (answer, both):
            refused = api(
                f"assignments/{shown.public_id}/judgment", judgment_id=str(shown.judgment_id), **body
            )
            assert (refused.status_code, set(refused.json()["fields"])) == (400, {HEADLINES[protocol]})
    nothing = api(f"assignments/{shown.public_id}/judgment", judgment_id=str(shown.judgment_id))
    assert (nothing.status_code, set(nothing.json()["fields"])) == (400, {HEADLINES[campaign.protocol]})
    assert not Judgment.objects.exists()


def test_a_late_answer_is_kept_as_surplus(campaign, shown, evaluator_two):
    factory.lease_ends(shown)
    taken = {factory.next_for(evaluator_two).slot_id}
    while shown.slot_id not in taken:
        factory.judge(factory.next_for(evaluator_two))
        taken.add(factory.next_for(evaluator_two).slot_id)
    with pytest.raises(Conflict):
        factory.judge(shown)
    assert Judgment.objects.get(evaluator=shown.evaluator).state == "surplus"


def test_a_draft_holds_what_a_judgment_would(campaign, shown, api):
    path = f"/review/{shown.public_id}/draft/"
    client = signed_in(shown.evaluator)
    kept = client.post(path, factory.USUAL[campaign.protocol], content_type="application/json")
    assert kept.status_code == 200
    assert presenters.screen(shown).draft == factory.USUAL[campaign.protocol]


def test_a_slot_that_comes_back_shows_its_responses_where_they_stood(campaign, shown, evaluator_two):
    before = [response.text for response in presenters.content(shown).responses]
    texts = factory.texts_of(shown.task)
    assert before == [texts[int(ordinal)] for ordinal in shown.slot.places]
    factory.lease_ends(shown)
    while (again := factory.next_for(evaluator_two)).slot_id != shown.slot_id:
        factory.judge(again)
    assert [response.text for response in presenters.content(again).responses] == before


def test_judged_to_the_end_it_closes_and_the_root_binds_what_was_said(campaign, both, lead):
    factory.judge_everything(both, lambda shown: None)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    root = LedgerEntry.objects.get(event="campaign_closed").content["facts"]["judgments_root"]
    assert campaigns.judgments_root(campaign) == root
    other = {
        "pairwise": {"choice": "both_bad"},
        "rating": {"rating": 5},
        "ranking": {"ranking": [[0, 1, 2]]},
        "spans": {"spans": []},
    }[campaign.protocol]
    Judgment.objects.filter(pk=campaign.judgments.first().pk).update(**other)
    assert campaigns.judgments_root(campaign) != root


def test_a_judgment_says_one_thing_by_constraint(campaign, shown):
    stored = factory.judge(shown)
    others = {"choice": "tie", "rating": 3, "ranking": [[0]], "spans": [], "strength": 1}
    for column, value in others.items():
        if getattr(stored, column) is None:
            with pytest.raises(IntegrityError), transaction.atomic():
                Judgment.objects.filter(pk=stored.pk).update(**{column: value})
    nothing = dict.fromkeys(["choice", "rating", "ranking", "spans"])
    with pytest.raises(IntegrityError), transaction.atomic():
        Judgment.objects.filter(pk=stored.pk).update(**nothing)


def test_items_have_as_many_responses_as_the_protocol_asks(campaign, lead_api):
    wanted = {"pairwise": {2}, "rating": {1}, "spans": {1}, "ranking": set(range(2, 10))}
    before = Task.objects.count()
    for count in range(12):
        line = {
            "item": f"with {count}",
            "prompt": "?",
            "responses": [{"source": f"system {n}", "text": f"{n}"} for n in range(count)],
        }
        path = f"/api/v1/campaigns/{campaign.public_id}/tasks"
        answer = lead_api.post(path, json_line(line), content_type="application/x-ndjson")
        if count in wanted[campaign.protocol]:
            assert answer.status_code == 201, answer.content
        else:
            assert answer.status_code == 400
            assert [(error["line"], error["field"]) for error in answer.json()["errors"]] == [
                (1, "responses")
            ]
    assert Task.objects.count() == before + len(wanted[campaign.protocol])


def json_line(row):
    return json.dumps(row).encode()


def test_what_is_asked_by_default_fits_the_protocol(campaign):
    assert campaign.rubric.protocol == campaign.protocol
    rules = rules_of(campaign.protocol)
    rules.check_rubric(campaign.rubric.body)
    assert str(campaign.rubric) == f"{rules.default_rubric['name']} v1"


# ── Rubrics ──────────────────────────────────────────────────────────────────────────────────────────

SCALE = ["Bad", "", "Good"]
CRITERION = {"id": "truth", "question": "How true is it?", "scale": SCALE}
REASON = {"id": "wrong", "label": "It is not true", "severity": "major"}
EXAMPLE = {"prompt": "1 + 1", "responses": ["2"], "answer": "3", "why": "It is right."}


@pytest.fixture
def open_with(lead_api):
    def post(protocol, **rubric):
        rubric = {"name": "careful", "question": "How?", "guidance": "With care."} | rubric
        body = {"name": "Summaries", "protocol": protocol, "rubric": rubric}
        return lead_api.post("/api/v1/campaigns", body, content_type="application/json")

    return post


@pytest.mark.parametrize(
    ("protocol", "rubric"),
    [
        ("rating", {"scale": SCALE, "criteria": [CRITERION], "examples": [EXAMPLE], "rationale": ["always"]}),
        ("rating", {"scale": [*SCALE[:2], *["" for _ in range(7)], "Good"]}),
        ("ranking", {"examples": [EXAMPLE | {"responses": ["2", "3", "4"], "answer": "1, then 2 and 3"}]}),
        ("spans", {"reasons": [REASON, {"id": "odd", "label": "Odd"}]}),
    ],
)
def test_a_rubric_with_all_that_its_protocol_takes(open_with, protocol, rubric):
    answer = open_with(protocol, **rubric)
    assert answer.status_code == 201, answer.content
    stored = Rubric.objects.get(name="careful")
    assert stored.protocol == protocol
    assert stored.body.keys() == rubric.keys()


@pytest.mark.parametrize(
    ("protocol", "rubric", "field"),
    [
        ("pairwise", {"scale": SCALE}, "scale"),
        ("pairwise", {"reasons": [REASON]}, "reasons"),
        ("rating", {}, "scale"),
        ("rating", {"scale": ["Bad", "Good"]}, "scale"),
        ("rating", {"scale": ["Bad", *["x"] * 10]}, "scale"),
        ("rating", {"scale": ["Bad", "So-so", ""]}, "scale"),
        ("rating", {"scale": SCALE, "criteria": [{"id": "a", "question": "?"}]}, "criteria.0.scale"),
        ("rating", {"scale": SCALE, "strength": True}, "strength"),
        ("rating", {"scale": SCALE, "rationale": ["both_bad"]}, "rationale.0"),
        ("rating", {"scale": SCALE, "examples": [EXAMPLE | {"answer": "4"}]}, "examples.0.answer"),
        ("rating", {"scale": SCALE, "examples": [EXAMPLE | {"responses": ["2", "3"]}]}, "examples.0.responses"),
        ("ranking", {"criteria": [CRITERION]}, "criteria"),
        ("ranking", {"examples": [EXAMPLE]}, "examples.0.responses"),
        ("spans", {}, "reasons"),
        ("spans", {"reasons": [REASON, REASON]}, "reasons"),
        ("spans", {"reasons": [REASON | {"severity": "huge"}]}, "reasons.0.severity"),
        ("spans", {"reasons": [REASON | {"colour": "red"}]}, "reasons.0.colour"),
        ("spans", {"reasons": [REASON], "scale": SCALE}, "scale"),
    ],
)  # fmt: skip
def test_a_rubric_of_another_protocol_is_refused_and_located(open_with, protocol, rubric, field):
    answer = open_with(protocol, **rubric)
    assert answer.status_code == 400, answer.content
    assert {name.removesuffix(".non_field_errors") for name in answer.json()["fields"]} == {f"rubric.{field}"}
    assert not Rubric.objects.exists()
    assert not Campaign.objects.exists()


def test_the_name_of_a_rubric_belongs_to_one_protocol(open_with):
    """Else an experiment's campaign could find the newest "helpfulness" to be a scale."""
    assert open_with("rating", scale=SCALE).status_code == 201
    answer = open_with("pairwise")
    assert (answer.status_code, set(answer.json()["fields"])) == (400, {"rubric.name"})


# ── Ratings ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"rating": 0, "answers": {"truth": 1}}, "rating"),
        ({"rating": 6, "answers": {"truth": 1}}, "rating"),
        ({"rating": "4", "answers": {"truth": 1}}, "rating"),
        ({"rating": True, "answers": {"truth": 1}}, "rating"),
        ({"rating": 4.0, "answers": {"truth": 1}}, "rating"),
        ({"rating": 4, "answers": {"truth": 4}}, "answers"),
        ({"rating": 4, "answers": {"truth": "tie"}}, "answers"),
        ({"rating": 4}, "answers"),
        ({"rating": 4, "answers": {"truth": 1, "style": 1}}, "answers"),
        ({"rating": 4, "answers": {"truth": 1}, "strength": 1}, "strength"),
    ],
)
def test_a_rating_is_a_point_of_each_scale(lead, evaluator_one, answer, field):
    scale = ["Bad", "", "", "", "Good"]
    rubric = {"name": "r", "question": "?", "guidance": "!", "scale": scale, "criteria": [CRITERION]}
    factory.stand_alone("rating", lead=lead, items=1, rubric=rubric)
    shown = factory.next_for(evaluator_one)
    with pytest.raises(Invalid) as refused:
        factory.judge(shown, **{"rating": None, **answer})
    assert set(refused.value.fields) == {field}
    client = bearer(evaluator_one, Permission.JUDGE)
    body = {"judgment_id": str(shown.judgment_id), "rating": 5, "answers": {"truth": 3}}
    path = f"/api/v1/assignments/{shown.public_id}/judgment"
    told = client.post(path, body, content_type="application/json").json()
    stored = Judgment.objects.get()
    assert (stored.rating, stored.answers) == (told["rating"], told["answers"]) == (5, {"truth": 3})


# ── Rankings ─────────────────────────────────────────────────────────────────────────────────────────


@st.composite
def rankings(draw):
    """A ranking of some places, and which response stands in each."""
    n = draw(st.integers(2, 9))
    order = draw(st.permutations(range(1, n + 1)))
    cuts = sorted(draw(st.sets(st.integers(1, n - 1))))
    groups = [sorted(order[start:end]) for start, end in zip([0, *cuts], [*cuts, n], strict=True)]
    return groups, "".join(map(str, draw(st.permutations(range(n)))))


@given(rankings())
def test_a_ranking_is_stored_by_responses_and_comes_back_by_places(drawn):
    groups, places = drawn
    rules = rules_of("ranking")
    said = rules.checked(Answer(ranking=groups), details=Details(), places=places, text=str)
    assert [sorted(int(places[place - 1]) for place in group) for group in groups] == said.ranking
    row = Judgment(ranking=said.ranking, places=places)
    assert rules.shown(row) == {"ranking": groups}


@pytest.mark.parametrize(
    "ranking",
    ["1", [], {}, [1, 2, 3], [[1], [2]], [[1, 2, 3, 3]], [[1], [1, 2], [3]], [[1], [], [2, 3]], [[0, 1, 2]],
     [[1, 2], [3, 4]], [["1"], [2], [3]], [[True, 2, 3]], [[1.0, 2, 3]], [[[1], 2, 3]]],
)  # fmt: skip
def test_a_ranking_names_every_place_once(ranking):
    with pytest.raises(Invalid) as refused:
        rules_of("ranking").checked(Answer(ranking=ranking), details=Details(), places="201", text=str)
    assert set(refused.value.fields) == {"ranking"}


# ── Spans ────────────────────────────────────────────────────────────────────────────────────────────

TEXT = "a\r\n👩‍🚀 née"  # ten code points, sixteen bytes
DETAILS = Details(reasons=(Reason("wrong", "Wrong", "major"), Reason("odd", "Odd")))


def marked(spans, text=TEXT):
    said = rules_of("spans").checked(Answer(spans=spans), details=DETAILS, places="0", text=lambda: text)
    return said.spans


def test_spans_are_code_points_of_the_stored_text_in_its_order():
    last = {"start": len(TEXT) - 1, "end": len(TEXT), "reason": "odd", "note": " half\x00 said "}
    first = {"start": 3, "end": 6, "reason": "wrong"}
    assert marked([last, first]) == [
        first | {"severity": "major"},
        last | {"note": "half said"},
    ]
    assert marked([first | {"severity": "minor"}])[0]["severity"] == "minor"
    assert marked([]) == []


@pytest.mark.parametrize(
    ("spans", "field"),
    [
        (None, "spans"),
        ({}, "spans"),
        ([{"start": 0, "end": 1, "reason": "wrong"}] * 101, "spans"),
        (["a"], "spans.0"),
        ([{"start": 0, "end": 1, "reason": "wrong", "text": "a"}], "spans.0"),
        ([{"start": 0, "end": 1, "reason": "wrong"}, {"start": -1, "end": 1, "reason": "odd"}], "spans.1.start"),
        ([{"start": len(TEXT), "end": len(TEXT) + 1, "reason": "odd"}], "spans.0.start"),
        ([{"start": True, "end": 2, "reason": "odd"}], "spans.0.start"),
        ([{"start": 2, "end": 2, "reason": "odd"}], "spans.0.end"),
        ([{"start": 2, "end": len(TEXT) + 1, "reason": "odd"}], "spans.0.end"),
        ([{"start": 2, "end": 2.5, "reason": "odd"}], "spans.0.end"),
        ([{"start": 0, "end": 1, "reason": "rude"}], "spans.0.reason"),
        ([{"start": 0, "end": 1, "reason": ["odd"]}], "spans.0.reason"),
        ([{"start": 0, "end": 1, "reason": "odd", "severity": "huge"}], "spans.0.severity"),
        ([{"start": 0, "end": 1, "reason": "odd", "severity": ["minor"]}], "spans.0.severity"),
        ([{"start": 0, "end": 1, "reason": "odd", "note": "x" * 1001}], "spans.0.note"),
        ([{"start": 0, "end": 1, "reason": "odd", "note": "\ud800"}], "spans.0.note"),
        ([{"start": 0, "end": 1, "reason": "odd"}] * 2, "spans.1"),
    ],
)  # fmt: skip
def test_a_span_that_cannot_be_is_located(spans, field):
    with pytest.raises(Invalid) as refused:
        marked(spans)
    assert set(refused.value.fields) == {field}


def test_spans_are_bound_by_the_text_that_is_judged_and_none_is_an_answer(lead, evaluator_one, api):
    factory.stand_alone("spans", lead=lead, items=1)
    shown = factory.next_for(evaluator_one)
    length = len(factory.texts_of(shown.task)[0])
    at = f"assignments/{shown.public_id}/judgment"
    beyond = [{"start": 0, "end": length + 1, "reason": "wrong"}]
    refused = api(at, judgment_id=str(shown.judgment_id), spans=beyond)
    assert (refused.status_code, set(refused.json()["fields"])) == (400, {"spans.0.end"})
    silent = api(at, judgment_id=str(shown.judgment_id), spans=None)
    assert (silent.status_code, set(silent.json()["fields"])) == (400, {"spans"})
    stored = api(at, judgment_id=str(shown.judgment_id), spans=[])
    assert (stored.status_code, stored.json()["spans"]) == (201, [])
    assert Judgment.objects.get().spans == []
