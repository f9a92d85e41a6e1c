"""Pure: a quantity over time drawn as SVG on the server. The table beside the picture is its alternative."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 760, 220
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 18, 12
TICKS = 4


@dataclass(frozen=True)
class Point:
    """One measurement beside the level that it is held against: two statistics as JSON, and what is said of them.

    `tone` is good, bad or flat. `mark` is "promotion" or "change" where something happened just before.
    """

    value: dict[str, Any]
    level: dict[str, Any]
    tone: str
    title: str
    mark: str = ""


def plot(points: Sequence[Point], label: Any) -> SafeString:
    """The points from left to right at equal distances; `label` writes a number of the vertical axis."""
    limits = [limit for point in points for each in (point.value, point.level) for limit in ends(each)]
    if not limits:
        return SafeString("<p class='undefined'>Nothing to draw: no measurement has a value.</p>")
    ticks = nice_ticks(min(limits), max(limits))
    span = ticks[-1] - ticks[0]

    def y(number: float) -> float:
        return round(TOP + (ticks[-1] - number) / span * (HEIGHT - TOP - BOTTOM), 1)

    step = (WIDTH - LEFT - RIGHT) / len(points)
    middles = [round(LEFT + (place + 0.5) * step, 1) for place in range(len(points))]
    grid = format_html_join(
        "",
        "<line class='grid' x1='{}' x2='{}' y1='{}' y2='{}'/><text x='{}' y='{}'>{}</text>",
        ((LEFT, WIDTH - RIGHT, y(tick), y(tick), LEFT - 8, y(tick) + 4, label(tick)) for tick in ticks),
    )
    half = round(step / 2, 1)
    levels = format_html_join(
        "",
        "<rect class='band' x='{}' width='{}' y='{}' height='{}'/>"
        "<line class='level' x1='{}' x2='{}' y1='{}' y2='{}'/>",
        (
            (
                x - half,
                round(step, 1),
                y(high),
                max(round(y(low) - y(high), 1), 1),
                x - half,
                x + half,
                y(at),
                y(at),
            )
            for x, point in zip(middles, points, strict=True)
            if (found := three(point.level))
            for low, at, high in [found]
        ),
    )
    marks = format_html_join(
        "",
        "<path class='mark mark-{}' d='M{} {}V{}'/>",
        (
            (point.mark, round(x - half, 1), TOP - 6, HEIGHT - BOTTOM)
            for x, point in zip(middles, points, strict=True)
            if point.mark
        ),
    )
    dots = format_html_join(
        "",
        "<g class='tone-{}'><title>{}</title><line class='range' x1='{}' x2='{}' y1='{}' y2='{}'/>"
        "<circle class='point' cx='{}' cy='{}' r='4'/></g>",
        (
            (point.tone, point.title, x, x, y(low), y(high), x, y(at))
            for x, point in zip(middles, points, strict=True)
            if (found := three(point.value))
            for low, at, high in [found]
        ),
    )
    return format_html(
        "<svg class='trend' viewBox='0 0 {} {}' width='{}' height='{}' aria-hidden='true'>{}{}{}{}</svg>",
        WIDTH, HEIGHT, WIDTH, HEIGHT, grid, levels, marks, dots,
    )  # fmt: skip


def three(statistic: dict[str, Any]) -> tuple[float, float, float] | None:
    """Lower limit, value, upper limit; all the value where there is no interval."""
    if not statistic or "undefined" in statistic:
        return None
    value = statistic["value"]
    low, high = statistic["ci_low"], statistic["ci_high"]
    return (value if low is None else low, value, value if high is None else high)


def ends(statistic: dict[str, Any]) -> tuple[float, ...]:
    return three(statistic) or ()


def nice_ticks(low: float, high: float) -> list[float]:
    """Round numbers at equal distances, the first not above `low` and the last not under `high`."""
    if high - low <= 1e-9 * max(abs(low), abs(high), 1e-9):
        room = abs(high) / 10 or 1.0
        low, high = low - room, high + room
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 12) for number in range(first, last + 1)]
