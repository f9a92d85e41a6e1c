"""What calls cost, in millionths of a dollar."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from evaltrack.integrations.model_api import Answer
from experiments.tariff import Tariff

# 3 dollars for a million tokens in, 15 out, 0.30 for cached input.
TARIFF = Tariff(3_000_000, 15_000_000, 300_000, 8_000)


def test_an_answer_costs_its_tokens():
    assert TARIFF.cost(Answer("x", input_tokens=1_000, output_tokens=200)) == 1_000 * 3 + 200 * 15


def test_cached_input_costs_its_own_price_and_as_other_input_where_none_is_stated():
    answer = Answer("x", input_tokens=1_000, output_tokens=0, cached_tokens=900)
    assert TARIFF.cost(answer) == 100 * 3 + 270
    assert Tariff(3_000_000, 15_000_000).cost(answer) == 3_000


def test_a_part_of_a_millionth_is_rounded_up():
    assert Tariff(1, 0).cost(Answer("x", input_tokens=1, output_tokens=0)) == 1


@pytest.mark.parametrize(("given_in", "given_out"), [(None, 5), (5, None), (None, None)])
def test_what_does_not_say_its_tokens_has_no_known_cost(given_in, given_out):
    assert TARIFF.cost(Answer("x", input_tokens=given_in, output_tokens=given_out)) is None


def test_the_limit_of_the_request_bounds_what_is_answered_else_that_of_the_model():
    assert TARIFF.most_output({"max_tokens": 100}) == 100
    assert TARIFF.most_output({"max_tokens": 100, "max_completion_tokens": None}) == 100
    assert TARIFF.most_output({"max_tokens": "many"}) == 8_000
    assert TARIFF.most_output({}) == 8_000


def test_of_several_limits_the_largest_counts_and_none_that_is_no_number_of_tokens():
    """Which of them an endpoint knows is not known; and -1 is "no limit" to some."""
    assert TARIFF.most_output({"max_tokens": 9_000, "max_completion_tokens": 50}) == 9_000
    assert TARIFF.most_output({"max_tokens": -1, "max_completion_tokens": 50}) == 8_000
    assert TARIFF.most_output({"max_tokens": True}) == 8_000


def test_what_is_cached_may_be_dearer_than_what_is_not():
    dear = Tariff(1_000_000, 1_000_000, 5_000_000)
    body = {"max_tokens": 1, "input": "x" * 100}
    assert dear.cost(Answer("x", input_tokens=100, cached_tokens=100, output_tokens=1)) <= dear.most(body)


def test_without_any_limit_there_is_no_upper_bound():
    with pytest.raises(ValueError, match="nothing limits"):
        Tariff(1, 1).most({"messages": []})


@given(text=some.text(max_size=200), limit=some.integers(1, 500), data=some.data())
def test_no_call_costs_more_than_its_upper_bound(text, limit, data):
    """A token is at least a byte of what was sent, and the endpoint keeps to the limit of its answer."""
    body = {"messages": [{"role": "user", "content": text}], "max_tokens": limit}
    tokens = data.draw(
        some.integers(0, len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()))
    )
    answer = Answer("x", input_tokens=tokens, output_tokens=data.draw(some.integers(0, limit)))
    assert TARIFF.cost(answer) <= TARIFF.most(body)
