import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaltrack.stats.monitoring import (
    cusum,
    cusum_run_length,
    cusum_threshold,
    ewma,
    ewma_run_length,
    ewma_width,
)

approx = pytest.approx
repeatable = settings(derandomize=True, deadline=None)
series = st.lists(st.floats(-3, 3), min_size=0, max_size=60)

MONTGOMERY = [
    *(9.45, 7.99, 9.29, 11.66, 12.16, 10.18, 8.04, 11.46, 9.20, 10.34),
    *(9.03, 11.47, 10.51, 9.40, 10.08, 9.37, 10.62, 10.31, 8.52, 10.84),
    *(10.90, 9.33, 12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52),
]


def test_montgomery_s_tabular_cusum():
    found = cusum(MONTGOMERY, target=10, sd=1, k=0.5, h=5)
    assert (found.signal.period, found.signal.direction, found.signal.periods) == (29, "up", 7)
    assert found.up[28:] == approx([5.28, 5.30], abs=5e-3)
    assert found.signal.mean == approx(11.25, abs=5e-3)


@pytest.mark.parametrize(
    ("shift", "periods"),
    [(0, 465), (0.25, 139), (0.5, 38.0), (0.75, 17.0), (1, 10.4), (1.5, 5.75), (2, 4.01), (3, 2.57)],
)
def test_run_lengths_of_the_cusum(shift, periods):
    assert cusum_run_length(shift) == approx(periods, rel=0.004)
    assert cusum_run_length(-shift) == approx(cusum_run_length(shift))


@pytest.mark.parametrize(
    ("weight", "width", "run_lengths"),
    [
        (0.40, 3.054, (500, 224, 71.2, 14.3)),
        (0.25, 2.998, (500, 170, 48.2, 11.1)),
        (0.20, 2.962, (500, 150, 41.8, 10.5)),
        (0.10, 2.814, (500, 106, 31.3, 10.3)),
        (0.05, 2.615, (500, 84.1, 28.8, 11.4)),
    ],
)
def test_run_lengths_of_the_ewma(weight, width, run_lengths):
    """Lucas & Saccucci 1990, remembered from Montgomery's table; shifts 0, 0.25, 0.5 and 1."""
    found = [ewma_run_length(shift, weight=weight, width=width) for shift in (0, 0.25, 0.5, 1)]
    assert found == approx(run_lengths, rel=0.004)
    assert ewma_width(500, weight=weight) == approx(width, abs=6e-4)


def test_run_lengths_agree_with_simulation():
    z = np.random.default_rng(8).normal(0.5, 1, size=(4000, 400))
    up, down, smoothed = np.zeros(4000), np.zeros(4000), np.zeros(4000)
    ends = {"cusum": np.full(4000, 400), "ewma": np.full(4000, 400)}
    limit = 2.962 * math.sqrt(0.2 / 1.8)
    for i, step in enumerate(z.T, start=1):
        up, down = np.maximum(0, up + step - 0.5), np.maximum(0, down - step - 0.5)
        smoothed = 0.2 * step + 0.8 * smoothed
        for name, out in (("cusum", np.maximum(up, down) > 5), ("ewma", np.abs(smoothed) > limit)):
            ends[name][out] = np.minimum(ends[name][out], i)
    assert ends["cusum"].mean() == approx(cusum_run_length(0.5), rel=0.05)
    assert ends["ewma"].mean() == approx(ewma_run_length(0.5), rel=0.05)


def test_charts_are_designed_by_the_run_length_without_a_change():
    assert cusum_threshold(370) == approx(4.77, abs=5e-3)
    for k in (0.1, 0.5, 1.0):
        assert cusum_run_length(k=k, h=cusum_threshold(1000, k=k)) == approx(1000, rel=1e-5)
    assert ewma_run_length(weight=0.3, width=ewma_width(100, weight=0.3)) == approx(100, rel=1e-5)
    # With weight 1 an EWMA is a Shewhart chart: 1/0.0027 at three sigma.
    assert ewma_run_length(weight=1.0, width=3.0) == approx(370.4, abs=0.05)
    assert cusum_run_length(h=60) == math.inf


@repeatable
@given(series)
def test_the_cusum_is_the_recursion_of_its_definition(values):
    found = cusum(values, target=0.0, sd=1.0, k=0.5, h=4.0)
    up = down = 0.0
    first = None
    for i, z in enumerate(values):
        up, down = max(0.0, up + z - 0.5), max(0.0, down - z - 0.5)
        assert (found.up[i], found.down[i]) == (approx(up, abs=1e-9), approx(down, abs=1e-9))
        if first is None and max(up, down) > 4 + 1e-9:
            first = i + 1
    assert (found.signal.period if found.signal else None) == first


@repeatable
@given(series)
def test_turning_the_series_round_its_target_exchanges_the_directions(values):
    there, back = (cusum(sign * np.array(values), target=0.0, sd=1.0, h=4.0) for sign in (1, -1))
    assert there.up == approx(back.down)
    if there.signal:
        other = {"up": "down", "down": "up"}[back.signal.direction]
        assert (there.signal.period, there.signal.direction) == (back.signal.period, other)
        assert there.signal.mean == approx(-back.signal.mean)


def test_the_ewma_smooths_and_signals_outside_its_limits():
    found = ewma([10.0, 11.0, 11.0, 11.0, 11.0], target=10, sd=0.5)
    assert found.smoothed == approx([10, 10.2, 10.36, 10.488, 10.5904])
    assert found.high == approx(10 + 0.5 * 2.962 / 3)
    assert (found.low, found.signal) == (approx(20 - found.high), 5)
    assert ewma([10.0], target=10, sd=0.5).signal is None


def test_empty_and_malformed_series():
    assert cusum([], target=0, sd=1).signal is None
    assert len(ewma([], target=0, sd=1).smoothed) == 0
    for call in (
        lambda: cusum([math.nan], target=0, sd=1),
        lambda: cusum([1.0], target=0, sd=0),
        lambda: cusum([1.0], target=math.nan, sd=1),
        lambda: cusum([1.0], target=0, sd=1, h=0),
        lambda: cusum_run_length(math.inf),
        lambda: cusum_threshold(1),
        lambda: ewma([1.0], target=0, sd=1, weight=0),
        lambda: ewma_run_length(math.nan),
        lambda: ewma_width(math.inf),
    ):
        with pytest.raises(ValueError):
            call()
