import json
import math

import numpy as np
import pytest

from evaltrack.stats.estimate import Estimate, TestResult, Undefined, from_json

POINT_SIX = Estimate(0.6, 0.5, 0.7, 100, "wilson")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", ["value", "ci_low", "ci_high"])
def test_an_estimate_refuses_what_is_not_a_number(field, number):
    with pytest.raises(ValueError, match=field):
        Estimate(**{"value": 0.6, "ci_low": 0.5, "ci_high": 0.7, "n": 1, "method": "m"} | {field: number})


@pytest.mark.parametrize(
    ("low", "high", "reason"),
    [(None, None, None), (None, None, ""), (0.5, 0.7, "n is 1"), (None, 0.7, None), (0.5, None, "n is 1")],
)
def test_limits_are_missing_exactly_when_the_reason_is_given(low, high, reason):
    with pytest.raises(ValueError):
        Estimate(0.6, low, high, 1, "m", reason)


def test_an_interval_that_misses_its_value_is_refused():
    with pytest.raises(ValueError, match="misses"):
        Estimate(0.8, 0.5, 0.7, 1, "m")


def test_json_has_five_keys_and_the_others_only_when_they_say_something():
    assert POINT_SIX.as_json() == {
        "value": 0.6,
        "ci_low": 0.5,
        "ci_high": 0.7,
        "n": 100,
        "method": "wilson",
    }
    assert Estimate(0.6, None, None, 1, "m", "n is 1", clusters=3, seed=7).as_json() == {
        "value": 0.6,
        "ci_low": None,
        "ci_high": None,
        "n": 1,
        "method": "m",
        "ci_undefined": "n is 1",
        "clusters": 3,
        "seed": 7,
    }


def test_json_rounds_to_twelve_significant_digits_and_knows_one_zero():
    body = Estimate(0.1 + 0.2, -0.0, 2 / 3, 1, "m").as_json()
    assert json.dumps([body["value"], body["ci_low"], body["ci_high"]]) == "[0.3, 0.0, 0.666666666667]"


def test_json_names_the_kind_of_interval_only_where_it_holds_at_any_time():
    assert "kind" not in POINT_SIX.as_json()
    assert Estimate(0.6, 0.5, 0.7, 1, "m", kind="any-time").as_json()["kind"] == "any-time"
    with pytest.raises(ValueError, match="any-time"):
        Estimate(0.6, 0.5, 0.7, 1, "m", kind="anytime")


def test_numpy_numbers_become_plain_ones():
    body = Estimate(np.float64(0.6), np.float64(0.5), np.float64(0.7), np.int64(3), "m").as_json()
    assert json.loads(json.dumps(body))["n"] == 3


@pytest.mark.parametrize(
    "result",
    [
        POINT_SIX,
        Estimate(0.6, None, None, 1, "m", "n is 1", clusters=3, seed=7),
        Estimate(0.6, 0.5, 0.7, 1, "m", confidence=0.9),
        Estimate(0.6, 0.5, 0.7, 1, "m", kind="any-time"),
        Undefined("there are no values"),
    ],
)
def test_json_reads_back_as_the_same_result(result):
    assert from_json(json.loads(json.dumps(result.as_json()))) == result


def test_undefined_needs_a_reason():
    assert Undefined("no values").as_json() == {"undefined": "no values"}
    with pytest.raises(ValueError):
        Undefined("")


def test_a_test_result_is_a_p_value_with_or_without_a_statistic():
    assert TestResult(None, 1.0).as_json() == {"statistic": None, "p_value": 1.0}
    assert TestResult(1 / 3, 0.05).as_json() == {"statistic": 0.333333333333, "p_value": 0.05}
    for statistic, p_value in [(None, math.nan), (None, 1.2), (None, -0.1), (math.inf, 0.0), (math.nan, 0.5)]:
        with pytest.raises(ValueError):
            TestResult(statistic, p_value)
