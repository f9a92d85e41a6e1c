import pytest

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.sequential import share_any_time, stopping


def seen(low, high, n=300):
    return Estimate((low + high) / 2, low, high, n, "m", kind="any-time")


@pytest.mark.parametrize(
    ("estimate", "outcome", "words"),
    [
        (seen(0.02, 0.3), "different", "lies above 0"),
        (seen(-0.3, -0.02), "different", "lies below 0"),
        (seen(-0.04, 0.03), "equivalent", "inside the equivalence zone -0.05 to 0.05"),
        (seen(0.01, 0.04), "equivalent", "inside"),
        (seen(-0.1, 0.2), "continue", "300 of at most 1000"),
        (seen(-0.1, 0.2, 1000), "maximum", "undecided"),
        (Estimate(0.4, None, None, 1200, "m", "none yet", kind="any-time"), "maximum", "none yet"),
        (Estimate(0.4, None, None, 20, "m", "50 are needed", kind="any-time"), "continue", "50 are needed"),
        (Undefined("there are no judgments"), "continue", "there are no judgments"),
    ],
)
def test_the_rule_answers_in_words(estimate, outcome, words):
    found = stopping(estimate, maximum=1000, zone=(-0.05, 0.05))
    assert (found.outcome, found.stop) == (outcome, outcome != "continue")
    assert words in found.text


def test_a_win_rate_stops_when_its_interval_excludes_one_half():
    assert stopping(share_any_time(70, 100), null=0.5, maximum=500).outcome == "different"
    assert stopping(share_any_time(60, 100), null=0.5, maximum=500).outcome == "continue"


def test_a_fixed_n_interval_may_not_decide_when_to_stop():
    with pytest.raises(ValueError, match="any-time"):
        stopping(Estimate(0.6, 0.5, 0.7, 100, "Wilson"), maximum=500)
    for rule in ({"maximum": 0}, {"maximum": 5, "zone": (0.1, 0.2)}, {"maximum": 5, "zone": (0.1, -0.1)}):
        with pytest.raises(ValueError):
            stopping(seen(0, 1), **rule)
