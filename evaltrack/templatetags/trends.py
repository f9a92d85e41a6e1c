"""Pure: a quantity over time drawn as SVG on the server. The table beside the picture is its alternative."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# In pixels; across, places are shares of the width, so that text and dots keep their size on every screen.
HEIGHT, TOP, BOTTOM = 220, 18, 12
LABELS = 64
LANE = 18  # the height of a line of events
TICKS = 4
SMALLEST = 1e-9  # what is nearer to 0 is drawn as 0


@dataclass(frozen=True)
class Point:
    """One measurement beside the level that it is held against: two statistics as JSON, and what is said of them.

    `tone` is good, bad or flat. `mark` is "promotion" or "change" where something happened just before. `pinned`
    is the level of one and the same thing at several points, drawn as a line across them.
    """

    value: dict[str, Any]
    level: dict[str, Any]
    tone: str
    title: str
    mark: str = ""
    pinned: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Lane:
    """A line of events below the points: what happened just before each, and nothing where it is empty."""

    name: str
    titles: Sequence[str]


def plot(
    points: Sequence[Point], label: Callable[[float], str], lanes: Sequence[Lane] = (), pin: str = ""
) -> SafeString:
    """The points from left to right at equal distances; `label` writes a number of the vertical axis.

    `pin` names what is pinned.
    """
    limits = [limit for point in points for each in statistics(point) for limit in ends(each)]
    if not limits:
        return SafeString("<p class='undefined'>Nothing to draw: no measurement has a value.</p>")
    ticks = nice_ticks(min(limits), max(limits))
    span = ticks[-1] - ticks[0]

    def y(number: float) -> float:
        return round(TOP + (ticks[-1] - number) / span * (HEIGHT - TOP - BOTTOM), 1)

    axis = format_html_join(
        "", "<text x='{}' y='{}'>{}</text>", ((LABELS - 8, y(tick) + 4, label(tick)) for tick in ticks)
    )
    grid = format_html_join(
        "", "<line class='grid' x2='100%' y1='{0}' y2='{0}'/>", ((y(tick),) for tick in ticks)
    )
    width = 100 / len(points)
    spots = [Spot(point, place * width, width) for place, point in enumerate(points)]
    pieces = [draw(spot, y) for draw in (level, pinned, mark, dot) for spot in spots]
    pieces += [named(spots, pin, y), *(events(lane, place, spots) for place, lane in enumerate(lanes))]
    axis += format_html_join(
        "",
        "<text x='{}' y='{}'>{}</text>",
        ((LABELS - 8, at(n) + 4, lane.name) for n, lane in enumerate(lanes)),
    )
    height = HEIGHT + LANE * len(lanes)
    return format_html(
        "<svg class='scale' width='{}' height='{}' aria-hidden='true'>{}</svg>"
        "<svg class='trend' width='100%' height='{}' aria-hidden='true'>{}{}</svg>",
        LABELS, height, axis, height, grid, SafeString("".join(pieces)),
    )  # fmt: skip


def statistics(point: Point) -> tuple[dict[str, Any], ...]:
    # Of what is pinned the value alone is drawn, so its interval takes no room.
    value = three(point.pinned)
    line = {"value": value[1], "ci_low": None, "ci_high": None} if value else {}
    return point.value, point.level, line


@dataclass(frozen=True)
class Spot:
    """A point and its part of the width, in per cent from the left."""

    point: Point
    left: float
    width: float

    def across(self, share: float) -> str:
        """A place in this part: 0 is its left edge, 1 its right one."""
        return f"{self.left + share * self.width:.2f}%"


def level(spot: Spot, y: Callable[[float], float]) -> SafeString:
    found = three(spot.point.level)
    if found is None:
        return SafeString()
    low, at, high = map(y, found)
    left, right = spot.across(0), spot.across(1)
    return format_html(
        "<rect class='band' x='{}' width='{}%' y='{}' height='{}'/>"
        "<line class='level' x1='{}' x2='{}' y1='{}' y2='{}'/>",
        left, f"{spot.width:.2f}", high, max(round(low - high, 1), 1), left, right, at, at,
    )  # fmt: skip


def pinned(spot: Spot, y: Callable[[float], float]) -> SafeString:
    found = three(spot.point.pinned)
    if found is None:
        return SafeString()
    return format_html(
        "<line class='pinned' x1='{}' x2='{}' y1='{y}' y2='{y}'/>",
        spot.across(0), spot.across(1), y=y(found[1]),
    )  # fmt: skip


def named(spots: Sequence[Spot], pin: str, y: Callable[[float], float]) -> SafeString:
    """The name of what is pinned, at the end of its line."""
    last = next((spot for spot in reversed(spots) if three(spot.point.pinned)), None)
    found = three(last.point.pinned) if last else None
    if last is None or found is None or not pin:
        return SafeString()
    return format_html(
        "<text class='pinned-name' x='{}' y='{}'>{}</text>", last.across(1), y(found[1]) - 5, pin
    )


def at(place: int) -> float:
    """How far down a lane lies."""
    return HEIGHT + LANE * (place + 0.5)


def events(lane: Lane, place: int, spots: Sequence[Spot]) -> SafeString:
    happened = [(spot, title) for spot, title in zip(spots, lane.titles, strict=True) if title]
    return format_html("<line class='grid' x2='100%' y1='{0}' y2='{0}'/>", at(place)) + format_html_join(
        "",
        "<g><title>{}</title><circle class='event' cx='{}' cy='{}' r='4'/></g>",
        ((title, spot.across(0), at(place)) for spot, title in happened),
    )


def mark(spot: Spot, y: Callable[[float], float]) -> SafeString:
    if not spot.point.mark:
        return SafeString()
    return format_html(
        "<line class='mark mark-{0}' x1='{1}' x2='{1}' y1='{2}' y2='{3}'/>",
        spot.point.mark, spot.across(0), TOP - 6, HEIGHT - BOTTOM,
    )  # fmt: skip


def dot(spot: Spot, y: Callable[[float], float]) -> SafeString:
    found = three(spot.point.value)
    if found is None:
        return SafeString()
    low, at, high = map(y, found)
    return format_html(
        "<g class='tone-{}'><title>{}</title><line class='range' x1='{x}' x2='{x}' y1='{}' y2='{}'/>"
        "<circle class='point' cx='{x}' cy='{}' r='4'/></g>",
        spot.point.tone, spot.point.title, low, high, at, x=spot.across(0.5),
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
    largest = max(abs(low), abs(high))
    if high - low <= 1e-9 * largest or largest < SMALLEST:
        room = 1.0 if largest < SMALLEST else largest / 10
        low, high = low - room, high + room
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{number * step:.12g}") for number in range(first, last + 1)]
