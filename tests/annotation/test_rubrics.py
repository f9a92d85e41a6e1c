"""What a rubric asks beyond its question."""

import pytest

from annotation import rubrics
from annotation.models import Rubric
from evaltrack.errors import Invalid
from tests.factories import annotation as factory

BODY = {
    "strength": True,
    "criteria": [{"id": "truth", "question": "Which is more truthful?", "anchors": "Check the citations."}],
    "examples": [
        {"prompt": "1 + 1", "responses": ["2", "3"], "answer": "1", "why": "It is right."},
        {
            "prompt": "Hello",
            "responses": ["Hi.", "Hello there, and a good day to you."],
            "answer": "tie",
            "why": "Length is no merit.",
            "is_counter_example": True,
        },
    ],
    "rationale": ["both_bad", "much_better"],
}


@pytest.fixture
def shown(campaign, evaluator_one):
    Rubric.objects.filter(pk=campaign.rubric_id).update(body=BODY)
    return factory.next_for(evaluator_one)


def test_a_rubric_is_read_with_all_its_parts():
    details = rubrics.of(Rubric(body=BODY))
    assert details.criteria[0].id == "truth"
    assert [example.is_counter_example for example in details.examples] == [False, True]
    assert rubrics.of(Rubric(body={})) == rubrics.Details()


def test_a_complete_answer_is_stored_in_terms_of_responses(shown):
    judgment = factory.judge(shown, 2, strength=2, answers={"truth": 1}, comment="It cites.")
    on_slot_1, on_slot_2 = ("first", "second") if shown.slot.places == "01" else ("second", "first")
    assert (judgment.choice, judgment.strength, judgment.answers) == (on_slot_2, 2, {"truth": on_slot_1})


@pytest.mark.parametrize(
    ("answer", "field"),
    [
        ({"preference": 1}, "answers"),
        ({"preference": 1, "answers": {"truth": 1, "style": 1}}, "answers"),
        ({"preference": 1, "answers": {"truth": 3}}, "preference"),
        ({"preference": "tie", "strength": 1, "answers": {"truth": 1}}, "strength"),
        ({"preference": 1, "strength": 3, "answers": {"truth": 1}}, "strength"),
        ({"preference": 1, "strength": 2, "answers": {"truth": 1}}, "comment"),
        ({"preference": "both_bad", "answers": {"truth": "both_bad"}, "comment": " "}, "comment"),
    ],
)
def test_what_is_missing_or_too_much_is_located_and_changes_nothing(shown, answer, field):
    with pytest.raises(Invalid) as refused:
        factory.judge(shown, **answer)
    assert set(refused.value.fields) == {field}
    shown.refresh_from_db()
    assert shown.state == "shown"


def test_a_rubric_that_asks_for_no_strength_takes_none(campaign, evaluator_one):
    with pytest.raises(Invalid) as refused:
        factory.judge(factory.next_for(evaluator_one), 1, strength=1)
    assert set(refused.value.fields) == {"strength"}
