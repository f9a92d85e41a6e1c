"""A judge's reply is read strictly: what is not exactly what was asked for is none."""

import pytest

from experiments.judging import replies
from experiments.judging.replies import NotAReply


@pytest.mark.parametrize(
    "text",
    [
        '{"score": 4, "reason": "good"}',
        ' {"reason": "good", "score": 4}\n',
        '```json\n{"score": 4, "reason": "good"}\n```',
        '```\n{"score": 4, "reason": "good"}\n```',
    ],
)
def test_one_object_alone_is_a_reply_and_so_it_is_in_a_code_block(text):
    assert replies.score(text, 1, 5) == replies.Reply("good", score=4)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4",
        "null",
        "[4]",
        "Score: 4",
        '{"score": 4}',
        '{"score": 4, "reason": "good", "confidence": 1}',
        '{"score": 4, "reason": "good"} I hope this helps!',
        'Sure! {"score": 4, "reason": "good"}',
        'Sure!\n```json\n{"score": 4, "reason": "good"}\n```',
        '```json\n{"score": 4, "reason": "good"}\n```\n```json\n{"score": 5, "reason": "good"}\n```',
        '{"score": 4, "score": 5, "reason": "good"}',
        '{"score": 4, "reason": {"score": 5, "score": 5}}',
        '{"score": "4", "reason": "good"}',
        '{"score": 4.5, "reason": "good"}',
        '{"score": true, "reason": "good"}',
        '{"score": NaN, "reason": "good"}',
        '{"score": 1e999, "reason": "good"}',
        '{"score": 0, "reason": "good"}',
        '{"score": 6, "reason": "good"}',
        '{"score": 4, "reason": null}',
        '{"score": 4, "reason": "' + "x" * 5_001 + '"}',
        "[" * 100_000,
        '{"score": ' + "9" * 10_000 + ', "reason": "good"}',
        " " * 100_001,
    ],
)
def test_anything_else_is_none(text):
    with pytest.raises(NotAReply):
        replies.score(text, 1, 5)


@pytest.mark.parametrize("choice", ["1", "2", "tie"])
def test_a_choice_is_one_of_three_words(choice):
    assert replies.choice(f'{{"verdict": "{choice}", "reason": ""}}').choice == choice


@pytest.mark.parametrize("choice", ["1", '"3"', '"A"', '"Tie"', "null", '["1"]', "{}"])
def test_another_choice_is_no_reply(choice):
    with pytest.raises(NotAReply):
        replies.choice(f'{{"verdict": {choice}, "reason": ""}}')


def test_verdicts_are_as_many_as_there_are_items():
    assert replies.verdicts('{"verdicts": [true, false], "reason": ""}', 2).verdicts == (True, False)
    for given in ("[true]", "[true, false, true]", "[1, 0]", '["true", "false"]', "null"):
        with pytest.raises(NotAReply):
            replies.verdicts(f'{{"verdicts": {given}, "reason": ""}}', 2)
