"""Rogan–Gladen against published figures, and what must hold of it whatever the counts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import Z, wilson
from evaltrack.stats.judge import corrected_share
from evaltrack.stats.judge.corrected import rogan_gladen

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)


def test_the_published_share():
    share, error = rogan_gladen(0.78, 1000, 0.90, 200, 0.85, 200)
    assert (share, error) == (approx(0.84, abs=5e-5), approx(0.02998, abs=5e-6))
    assert (share - Z * error, share + Z * error) == approx((0.7812, 0.8988), abs=5e-5)


def test_what_is_shown_is_near_it_and_wider_than_the_judges_own_share():
    shown = corrected_share(780, 1000, found=180, of_positive=200, cleared=170, of_negative=200)
    assert shown.value == approx(0.84)
    assert (shown.ci_low, shown.ci_high) == approx((0.7812, 0.8988), abs=0.01)
    naive = wilson(780, 1000)
    assert shown.ci_high - shown.ci_low > 2 * (naive.ci_high - naive.ci_low)


def test_a_faultless_judge_that_was_checked_often_is_believed():
    shown = corrected_share(300, 1000, found=10**7, of_positive=10**7, cleared=10**7, of_negative=10**7)
    plain = wilson(300, 1000)
    assert shown.value == approx(0.3)
    assert (shown.ci_low, shown.ci_high) == approx((plain.ci_low, plain.ci_high), abs=1e-3)


def test_a_share_that_would_leave_the_scale_stops_at_its_end():
    shown = corrected_share(9, 100, found=90, of_positive=100, cleared=90, of_negative=100)
    assert (shown.value, shown.ci_low) == (0, 0)
    assert 0.05 < shown.ci_high < 0.2


@pytest.mark.parametrize(("positives", "value"), [(0, 0), (1, 0), (99, 1)])
def test_a_share_that_the_rates_cannot_give_is_no_certainty(positives, value):
    shown = corrected_share(positives, 100, found=90, of_positive=100, cleared=90, of_negative=100)
    assert (shown.value, shown.ci_low) == (value, None)
    assert f"{positives} of 100 does not fit the judge's rates" in shown.ci_undefined


@pytest.mark.parametrize(
    ("n", "checks", "reason"),
    [
        (0, (9, 10, 9, 10), "there are no labels of the judge"),
        (100, (0, 0, 9, 10), "the judge was not checked on examples of both kinds"),
        (100, (9, 10, 0, 0), "the judge was not checked on examples of both kinds"),
        (
            100,
            (5, 10, 5, 10),
            "sensitivity 0.50 and specificity 0.50: the judge does no better than chance",
        ),
    ],
)
def test_undefined(n, checks, reason):
    found, of_positive, cleared, of_negative = checks
    shown = corrected_share(
        n // 2, n, found=found, of_positive=of_positive, cleared=cleared, of_negative=of_negative
    )
    assert shown == Undefined(reason)


@pytest.mark.parametrize(
    ("checks", "reason"),
    [
        ((9, 9, 20, 20), "checked on 9 positive and 20 negative examples: 10 of each are needed"),
        ((11, 20, 11, 20), "may do no better than chance"),
    ],
)
def test_a_value_without_an_interval(checks, reason):
    found, of_positive, cleared, of_negative = checks
    shown = corrected_share(
        50, 100, found=found, of_positive=of_positive, cleared=cleared, of_negative=of_negative
    )
    assert shown.ci_low is None
    assert reason in shown.ci_undefined


def test_impossible_counts():
    with pytest.raises(ValueError, match="11 of 10 is no count"):
        corrected_share(5, 10, found=11, of_positive=10, cleared=9, of_negative=10)


counts = st.integers(10, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@repeatable
@given(counts, counts, counts)
def test_exchanging_positive_and_negative_mirrors_it(labels, sensitivity, specificity):
    (positives, n), (found, m1), (cleared, m0) = labels, sensitivity, specificity
    there = corrected_share(positives, n, found=found, of_positive=m1, cleared=cleared, of_negative=m0)
    back = corrected_share(n - positives, n, found=cleared, of_positive=m0, cleared=found, of_negative=m1)
    if isinstance(there, Undefined):
        assert isinstance(back, Undefined)
        return
    assert there.value == approx(1 - back.value, abs=1e-9)
    assert (there.ci_low is None) == (back.ci_low is None)
    if there.ci_low is not None:
        assert 0 <= there.ci_low <= there.value <= there.ci_high <= 1
        assert (there.ci_low, there.ci_high) == approx((1 - back.ci_high, 1 - back.ci_low), abs=1e-9)
