"""Pure: measurements along an axis of time, as SVG on the server. The table beside the picture is its alternative."""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from evaltrack.templatetags.trends import LABELS, nice_ticks, three

# In pixels; across, places are shares of the width, as in a trend.
HEIGHT, TOP, BOTTOM = 240, 14, 28
# Where dates stand below: shares of the width, so that none is cut off. With the time of day they are long.
DATES, TIMES = (0.12, 0.37, 0.63, 0.88), (0.25, 0.75)
LONG, SHORT = dt.timedelta(days=300), dt.timedelta(days=4)
# Beyond so many, dots are small and bands alone show the intervals, as lines would cover each other.
MANY = 60
# Beside the first and the last point, and around a single one.
ROOM, ALONE = 0.02, dt.timedelta(days=1)


@dataclass(frozen=True)
class Spot:
    """One measurement: its time, a statistic as JSON, and what is said of it.

    `line` is "candidate", "baseline" or "level", and the class that it is drawn in. Neighbours of one line and
    `group` are joined by their band; where the group changes, they mean something else.
    """

    at: dt.datetime
    statistic: dict[str, Any]
    line: str
    group: object
    title: str


def plot(spots: Sequence[Spot], label: Callable[[float], str]) -> SafeString:
    """Spots in order of time; `label` writes a number of the vertical axis."""
    shown = [spot for spot in spots if three(spot.statistic)]
    if not shown:
        return SafeString("<p class='undefined'>Nothing to draw: no measurement has a value.</p>")
    limits = [limit for spot in shown for limit in three(spot.statistic) or ()]
    ticks = nice_ticks(min(limits), max(limits))
    first, last = shown[0].at, shown[-1].at
    room = max(last - first, ALONE) * ROOM if last > first else ALONE / 2
    begin, span = first - room, (last - first) + 2 * room
    bottom = HEIGHT - BOTTOM

    def x(at: dt.datetime) -> float:
        return round(100 * ((at - begin) / span), 2)

    def y(number: float) -> float:
        return round(TOP + (ticks[-1] - number) / (ticks[-1] - ticks[0]) * (bottom - TOP), 1)

    axis = format_html_join(
        "", "<text x='{}' y='{}'>{}</text>", ((LABELS - 8, y(tick) + 4, label(tick)) for tick in ticks)
    )
    grid = format_html_join(
        "", "<line class='grid' x2='100%' y1='{0}' y2='{0}'/>", ((y(tick),) for tick in ticks)
    ) + format_html_join(
        "",
        "<line class='grid' x1='{0}' x2='{0}' y1='{1}' y2='{2}'/><text class='tick' x='{0}' y='{3}'>{4}</text>",
        (
            (f"{share:.0%}", bottom, bottom + 4, bottom + 20, written(begin + share * span, span))
            for share in (DATES if span > SHORT else TIMES)
        ),
    )
    several = list(joined(shown))
    in_bands = {id(spot) for _, group in several for spot in group} if len(shown) > MANY else set()
    bands = SafeString("".join(band(line, group, x, y) for line, group in several))
    dots = format_html_join(
        "",
        "<g class='line-{0}'><title>{1}</title>{2}<circle class='point{5}' cx='{3}%' cy='{4}' r='{6}'/></g>",
        (
            (
                spot.line,
                spot.title,
                "" if id(spot) in in_bands else interval(spot, x, y),
                x(spot.at),
                y(spot.statistic["value"]),
                *((" point-small", 2) if id(spot) in in_bands else ("", 3.5)),
            )
            for spot in shown
        ),
    )
    return format_html(
        "<svg class='scale' width='{}' height='{}' aria-hidden='true'>{}</svg>"
        "<svg class='trend scatter timeline' width='100%' height='{}' aria-hidden='true'>{}"
        "<svg width='100%' height='{}' viewBox='0 0 100 {}' preserveAspectRatio='none'>{}</svg>{}</svg>",
        LABELS, HEIGHT, axis, HEIGHT, grid, HEIGHT, HEIGHT, bands, dots,
    )  # fmt: skip


def interval(spot: Spot, x: Callable[[dt.datetime], float], y: Callable[[float], float]) -> SafeString:
    low, _, high = three(spot.statistic) or (0.0, 0.0, 0.0)
    return format_html(
        "<line class='range' x1='{0}%' x2='{0}%' y1='{1}' y2='{2}'/>", x(spot.at), y(low), y(high)
    )


def joined(spots: Iterable[Spot]) -> Iterable[tuple[str, list[Spot]]]:
    """Neighbours of each line that mean the same, two or more."""
    for line in ("baseline", "candidate", "level"):
        own = [spot for spot in spots if spot.line == line]
        for _, several in groupby(own, key=lambda spot: spot.group):
            if len(found := list(several)) > 1:
                yield line, found


def band(
    line: str, spots: Sequence[Spot], x: Callable[[dt.datetime], float], y: Callable[[float], float]
) -> SafeString:
    """From limit to limit, and the values joined. In a box that is stretched to the width."""
    found = [(x(spot.at), *map(y, three(spot.statistic) or (0.0, 0.0, 0.0))) for spot in spots]
    upper = [f"{at},{high}" for at, _, _, high in found]
    lower = [f"{at},{low}" for at, low, _, _ in reversed(found)]
    return format_html(
        "<g class='line-{}'><polygon class='band' points='{}'/><polyline class='joined' points='{}'/></g>",
        line,
        " ".join(upper + lower),
        " ".join(f"{at},{value}" for at, _, value, _ in found),
    )


def written(at: dt.datetime, span: dt.timedelta) -> str:
    """A date as it is needed to tell it from its neighbours."""
    if span > LONG:
        return f"{at:%b %Y}"
    return f"{at:%-d %b}" if span > SHORT else f"{at:%-d %b %H:%M}"
