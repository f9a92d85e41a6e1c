"""When the next call to an endpoint may start."""

import random

import pytest

from evaltrack.integrations.gate import MOST_OUTSTANDING, Gate


def opened(**state) -> Gate:
    gate = Gate()
    for name, value in state.items():
        setattr(gate, name, value)
    gate.waiting.extend((n, None) for n in range(100))
    return gate


def start_all(gate: Gate, now: float = 0.0) -> int:
    started = 0
    while gate.lets_through(now):
        gate.take()
        started += 1
    return started


def test_as_many_calls_start_as_the_limit_says():
    assert start_all(opened(limit=7)) == 7


def test_without_a_limit_that_was_granted_none_starts():
    assert start_all(opened()) == 0


def test_none_starts_while_the_endpoint_wants_to_be_left_alone():
    gate = opened(limit=7)
    gate.close(10.0)
    gate.close(5.0)
    assert start_all(gate, now=9.9) == 0
    assert start_all(gate, now=10.0) == 7


def test_no_more_start_than_permitted_and_what_comes_back_permits_none():
    gate = opened(limit=7, permits=3)
    assert start_all(gate) == 3
    gate.came_back()
    assert start_all(gate) == 0
    gate.permits += 1
    assert start_all(gate) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 16, 256])
def test_what_is_in_flight_or_not_written_down_stays_within_its_bound(limit):
    """Whatever order calls come back and are written in: a worker that dies costs no more than this."""
    rng, gate = random.Random(limit), opened(limit=limit)
    gate.waiting.extend((n, None) for n in range(5_000))
    for _ in range(5_000):
        start_all(gate)
        assert gate.in_flight <= limit
        assert gate.in_flight + gate.unwritten <= max(limit + 1, MOST_OUTSTANDING * limit)
        if gate.in_flight and rng.random() < 0.7:
            gate.came_back()
        elif gate.unwritten:
            gate.unwritten -= rng.randint(1, gate.unwritten)


def test_a_single_place_is_used_again_before_its_last_answer_is_written_down():
    gate = opened(limit=1)
    assert start_all(gate) == 1
    gate.came_back()
    assert start_all(gate) == 1
