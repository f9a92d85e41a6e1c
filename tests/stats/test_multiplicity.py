import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from evaltrack.stats.multiplicity import (
    benjamini_hochberg,
    benjamini_yekutieli,
    fixed_sequence,
    hochberg,
    holm,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)

# Benjamini & Hochberg 1995, section 3: fifteen tests of the myocardial infarction trial
INFARCTION = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459]
INFARCTION += [0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]


def test_holm_rejects_three_of_the_infarction_tests():
    adjusted = holm(INFARCTION)
    assert adjusted[:9] == approx([0.0015, 0.0056, 0.0247, 0.1140, 0.2211, 0.2780, 0.2780, 0.2780, 0.3213])
    assert adjusted[9:] == [1] * 6
    assert sum(p <= 0.05 for p in adjusted) == 3


@settings(derandomize=True, deadline=None, max_examples=10)  # the oracle takes 0.1 s a call
@given(p_values)
def test_holm_agrees_with_statsmodels(p):
    assert holm(p) == approx(multipletests(p, method="holm")[1].tolist())


@repeatable
@given(p_values)
def test_holm_keeps_the_order_and_never_lowers_a_p_value(p):
    adjusted = holm(p)
    assert all(after >= before for before, after in zip(p, adjusted, strict=True))
    ranked = [after for _, after in sorted(zip(p, adjusted, strict=True))]
    assert ranked == sorted(ranked)


@repeatable
@given(p_values, st.randoms(use_true_random=False))
def test_holm_does_not_depend_on_the_order_of_the_tests(p, random):
    shuffled = random.sample(range(len(p)), len(p))
    assert holm([p[i] for i in shuffled]) == [holm(p)[i] for i in shuffled]


def test_benjamini_hochberg_rejects_four_of_the_infarction_tests():
    adjusted = benjamini_hochberg(INFARCTION)
    printed = [0.0015, 0.0030, 0.0095, 0.035625, 0.0603, 0.063857, 0.063857, 0.0645, 0.0765, 0.486]
    assert adjusted[:10] == approx(printed, abs=5e-7)
    assert sum(p <= 0.05 for p in adjusted) == 4
    assert sum(p * len(INFARCTION) <= 0.05 for p in INFARCTION) == 3  # Bonferroni


@repeatable
@given(p_values)
def test_benjamini_hochberg_agrees_with_scipy_and_adjusts_less_than_holm(p):
    adjusted = benjamini_hochberg(p)
    assert adjusted == approx(stats.false_discovery_control(p).tolist())
    assert all(raw <= ours <= of_holm for raw, ours, of_holm in zip(p, adjusted, holm(p), strict=True))


def test_a_fixed_sequence_stops_at_the_first_test_that_does_not_reject():
    assert fixed_sequence([0.01, 0.04, 0.2, 0.001]) == [0.01, 0.04, 0.2, 0.2]


@repeatable
@given(p_values, st.floats(0.001, 0.999))
def test_a_fixed_sequence_rejects_up_to_the_first_that_it_does_not(p, level):
    first = next((i for i, value in enumerate(p) if value > level), len(p))
    assert [value <= level for value in fixed_sequence(p)] == [i < first for i in range(len(p))]


@pytest.mark.parametrize("adjusted", [holm, benjamini_hochberg, fixed_sequence])
def test_an_empty_family_and_a_single_test_need_no_adjustment(adjusted):
    assert adjusted([]) == []
    assert adjusted([0.03]) == [0.03]


@pytest.mark.parametrize("p", [[1.1], [-0.1], [math.nan], [[0.1]]])
def test_what_is_no_p_value_is_refused(p):
    for adjusted in (holm, benjamini_hochberg, fixed_sequence):
        with pytest.raises(ValueError):
            adjusted(p)


@settings(derandomize=True, deadline=None, max_examples=10)
@given(p_values)
def test_hochberg_and_yekutieli_agree_with_statsmodels_and_stand_where_they_should(p):
    for ours, name in ((hochberg, "simes-hochberg"), (benjamini_yekutieli, "fdr_by")):
        assert ours(p) == approx(multipletests(p, method=name)[1])
    for least, middle, most in zip(benjamini_hochberg(p), hochberg(p), holm(p), strict=True):
        assert least - 1e-12 <= middle <= most + 1e-12


def test_hochberg_and_yekutieli_of_none_and_of_one():
    for adjusted in (hochberg, benjamini_yekutieli):
        assert adjusted([]) == []
        assert adjusted([0.03]) == approx([0.03])
        with pytest.raises(ValueError):
            adjusted([float("nan")])
