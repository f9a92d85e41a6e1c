"""Pure: a quantity that depends on a number of things, as SVG on the server. The table is its alternative."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from evaltrack.templatetags.trends import LABELS, nice_ticks

# In pixels; across, places are shares of the width, as in a trend.
HEIGHT, TOP, BOTTOM = 250, 14, 28
FINE = 1.7  # powers of ten, up to which the axis also has 2 and 5
MOST_TICKS = 6


@dataclass(frozen=True)
class Spot:
    """A point on the curve that is told apart; `tone` is good or flat."""

    n: int
    height: float
    tone: str
    title: str


def plot(
    curve: Sequence[tuple[int, float]],
    spots: Sequence[Spot],
    *,
    level: float,
    ceiling: float,
    mark: int | None,
    label: Callable[[float], str],
) -> SafeString:
    """The curve over a logarithmic axis, from 0 to `ceiling`; `level` is the height asked for, met at `mark`."""
    least, most = curve[0][0], curve[-1][0]
    ticks = nice_ticks(0.0, ceiling)
    bottom = HEIGHT - BOTTOM

    def share(n: float) -> float:
        return 100 * math.log(n / least) / math.log(most / least)

    def x(n: float) -> str:
        return f"{share(n):.2f}%"

    def y(height: float) -> float:
        return round(TOP + (1 - min(height, ticks[-1]) / ticks[-1]) * (bottom - TOP), 1)

    axis = format_html_join(
        "", "<text x='{}' y='{}'>{}</text>", ((LABELS - 8, y(tick) + 4, label(tick)) for tick in ticks)
    )
    grid = format_html_join(
        "", "<line class='grid' x2='100%' y1='{0}' y2='{0}'/>", ((y(tick),) for tick in ticks)
    ) + format_html_join(
        "",
        "<line class='grid' x1='{0}' x2='{0}' y1='{1}' y2='{2}'/><text class='tick' x='{0}' y='{3}'>{4}</text>",
        ((x(n), TOP, bottom, bottom + 18, many(n)) for n in numbers(least, most)),
    )
    asked = format_html("<line class='level' x1='0' x2='100%' y1='{0}' y2='{0}'/>", y(level))
    if mark is not None and least <= mark <= most:
        asked += format_html("<line class='mark' x1='{0}' x2='{0}' y1='{1}' y2='{2}'/>", x(mark), TOP, bottom)
    path = " ".join(f"{share(n):.2f},{y(height)}" for n, height in curve)
    # Stretched to the width; the style sheet keeps its stroke as it is.
    drawn = format_html(
        "<svg width='100%' height='{0}' viewBox='0 0 100 {0}' preserveAspectRatio='none'>"
        "<polyline class='curve' points='{1}'/></svg>",
        HEIGHT,
        path,
    )
    dots = format_html_join(
        "",
        "<g class='tone-{}'><title>{}</title><circle class='point' cx='{}' cy='{}' r='5'/></g>",
        ((spot.tone, spot.title, x(spot.n), y(spot.height)) for spot in spots if least <= spot.n <= most),
    )
    return format_html(
        "<svg class='scale' width='{}' height='{}' aria-hidden='true'>{}</svg>"
        "<svg class='trend scatter' width='100%' height='{}' aria-hidden='true'>{}{}{}{}</svg>",
        LABELS, HEIGHT, axis, HEIGHT, grid, asked, drawn, dots,
    )  # fmt: skip


def numbers(least: int, most: int) -> list[int]:
    """Round numbers within the axis: powers of ten, and where these are few also 2 and 5 times them."""
    powers = range(math.floor(math.log10(least)), math.ceil(math.log10(most)) + 1)
    factors = (1, 2, 5) if math.log10(most / least) <= FINE else (1,)
    found = [factor * 10**power for power in powers for factor in factors]
    found = [n for n in found if least <= n <= most]
    return found[:: math.ceil(len(found) / MOST_TICKS)] if found else [least, most]


def many(n: int) -> str:
    return f"{n / 1_000_000:g} M" if n >= 1_000_000 else f"{n:,}"
