"""Pure: distributions as curves, SVG on the server. The table of quantiles beside it is its alternative."""

from collections.abc import Mapping, Sequence

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# The curve is drawn through so many quantiles, however many values there are.
STEPS = 200
# Beyond, single stragglers would press everything else to the left.
SHOWN = 0.99


def plot(curves: Mapping[str, Sequence[float]]) -> SafeString:
    """For each name, which is its class, the share of values up to each place from 0 to the largest p99.

    In a box of 100 by 100 that is stretched to its place; lines stand at the median and at 95 %.
    """
    values = {name: np.asarray(several, dtype=float) for name, several in curves.items() if len(several)}
    if not values:
        return SafeString("<p class='undefined'>Nothing to draw: there are no values.</p>")
    end = reach(curves)
    shares = np.linspace(0, 1, STEPS + 1)
    paths = (
        (name, " ".join(f"{min(x / end, 1.02) * 100:.2f},{100 - share * 100:.2f}" for x, share in points))
        for name, several in values.items()
        for points in [zip(np.quantile(several, shares), shares, strict=True)]
    )
    return format_html(
        "<svg class='cumulative' viewBox='0 0 100 100' preserveAspectRatio='none' aria-hidden='true'>{}{}</svg>",
        SafeString("<path class='grid' d='M0 50H100M0 5H100'/>"),
        format_html_join("", "<polyline class='curve curve-{}' points='{}'/>", paths),
    )


def reach(curves: Mapping[str, Sequence[float]]) -> float:
    """Where the axis ends."""
    return max([float(np.quantile(several, SHOWN)) for several in curves.values() if len(several)] + [1e-9])
