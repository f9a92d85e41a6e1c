"""Whatever a program or a broken page sends as an answer is stored or refused with words, and pages stay whole."""

import json

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation.models import Judgment
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import stand_alone

NUMBERS = st.one_of(
    st.integers(-3, 12), st.sampled_from([2**31, 2**63, 10**40, -(2**64)]), st.floats(allow_infinity=False)
)
TEXTS = st.one_of(
    st.text(max_size=8), st.sampled_from(["1", "tie", "both_bad", "wrong", "\x00", "\ud800", "🙂" * 40])
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.one_of(st.sampled_from(["start", "end", "reason", "severity", "note", "clear"]), TEXTS),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
FIELDS = [
    "preference",
    "rating",
    "ranking",
    "spans",
    "strength",
    "answers",
    "rubric_version",
    "comment",
    "active_ms",
]


@st.composite
def answers(draw, usual):
    """An answer that would be taken, with one to three of its fields put out of joint."""
    names = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True))
    return usual | {name: draw(JSON) for name in names}


@pytest.mark.parametrize("protocol", list(factory.USUAL))
def test_any_answer_by_api_is_stored_or_refused_with_words(lead, evaluator_one, protocol):
    campaign = factory.stand_alone(protocol, lead=lead, items=1)
    client = bearer(evaluator_one, Permission.JUDGE)
    lead_client = signed_in(lead)
    reader = signed_in(evaluator_one)
    shown = factory.next_for(evaluator_one)

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(answers(factory.USUAL[protocol]))
    def holds(answer):
        with transaction.atomic():
            body = json.dumps({"judgment_id": str(shown.judgment_id)} | answer)
            path = f"/api/v1/assignments/{shown.public_id}/judgment"
            response = client.post(path, body, content_type="application/json")
            assert response.status_code in (201, 400, 409), response.content
            said = response.json()
            assert Judgment.objects.count() == (response.status_code == 201)
            if response.status_code == 201:
                factory.the_minute_passes()
                assert reader.get("/review/mine/").status_code == 200
                assert lead_client.get(campaign.get_absolute_url()).status_code == 200
            else:
                assert said["detail"]
            transaction.set_rollback(True)

    holds()


def test_a_ranking_of_very_many_places_is_refused_at_once(lead, evaluator_one):
    factory.stand_alone("ranking", lead=lead, items=1)
    shown = factory.next_for(evaluator_one)
    body = {"judgment_id": str(shown.judgment_id), "ranking": [[1, 2] * 40_000]}
    client = bearer(evaluator_one, Permission.JUDGE)
    path = f"/api/v1/assignments/{shown.public_id}/judgment"
    refused = client.post(path, body, content_type="application/json")
    assert refused.json()["fields"]["ranking"] == ["names 80000 places; there are 3 responses"]


BROKEN = [
    '{"comment": "\\ud83d"}',
    '{"rating": NaN}',
    '{"rating": 1e999}',
    '{"spans": [{"start": 0, "end": 1, "reason": "wrong", "severity": "\\ud800"}]}',
]


@pytest.mark.parametrize("draft", BROKEN)
def test_a_draft_that_could_not_be_shown_again_is_refused(lead, evaluator_one, draft):
    factory.stand_alone("spans", lead=lead, items=1)
    client = signed_in(evaluator_one)
    shown = factory.next_for(evaluator_one)
    refused = client.post(f"/review/{shown.public_id}/draft/", draft, content_type="application/json")
    assert refused.status_code == 400
    assert client.get("/review/").status_code == 200


def test_half_a_character_is_refused_wherever_it_stands_and_a_cursor_that_is_none_is_not_found(lead):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)
    for body in ('{"\\ud800": 1}', '{"name": "n", "protocol": "\\ud800"}'):
        refused = client.post("/api/v1/campaigns", body, content_type="application/json")
        assert refused.status_code == 400
        assert "half a character" in refused.json()["detail"]
    assert client.get("/api/v1/campaigns?cursor=cD1hYmM=").status_code == 404


def test_a_form_whose_marks_hold_half_a_character_is_shown_again(lead, evaluator_one):
    factory.stand_alone("spans", lead=lead, items=1)
    shown = factory.next_for(evaluator_one)
    spans = json.dumps([{"start": 0, "end": 1, "reason": "wrong", "severity": "\ud800", "note": "\ud800"}])
    form = {"judgment_id": str(shown.judgment_id), "spans": spans}
    answer = signed_in(evaluator_one).post(f"/review/{shown.public_id}/submit/", form)
    assert answer.status_code == 422


def test_a_source_has_no_name_that_is_an_answer(lead):
    campaign = stand_alone.campaign(lead, items=0)
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    for source in ("tie", "both_bad"):
        responses = [{"source": source, "text": "x"}, {"source": "other", "text": "y"}]
        line = json.dumps({"item": "q", "prompt": "p", "responses": responses})
        path = f"/api/v1/campaigns/{campaign.public_id}/tasks"
        refused = client.post(
            path, line, content_type="application/x-ndjson", headers={"Idempotency-Key": source}
        )
        assert refused.status_code == 400
        assert "responses[0].source" in refused.content.decode()


@pytest.mark.parametrize("protocol", list(factory.USUAL))
def test_any_draft_is_kept_or_refused_and_the_task_still_shows(lead, evaluator_one, protocol):
    factory.stand_alone(protocol, lead=lead, items=1)
    client = signed_in(evaluator_one)
    shown = factory.next_for(evaluator_one)

    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(answers(factory.USUAL[protocol]))
    def holds(draft):
        with transaction.atomic():
            path = f"/review/{shown.public_id}/draft/"
            response = client.post(path, json.dumps(draft), content_type="application/json")
            assert response.status_code in (200, 400), response.content
            assert client.get("/review/").status_code == 200
            transaction.set_rollback(True)

    holds()
