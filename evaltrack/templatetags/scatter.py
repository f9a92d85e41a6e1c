"""Pure: two measurements of the same thing against each other, as SVG on the server. The table is its alternative."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from evaltrack.templatetags.trends import LABELS, ends, nice_ticks, three

# In pixels; across, places are shares of the width, as in a trend.
HEIGHT, TOP, BOTTOM = 340, 12, 40


@dataclass(frozen=True)
class Spot:
    """Two statistics as JSON, and what is said of them. `tone` is good, bad or flat."""

    across: dict[str, Any]
    up: dict[str, Any]
    tone: str
    title: str


def plot(spots: Sequence[Spot], label: Callable[[float], str]) -> SafeString:
    """Both axes have one scale, so that on the diagonal the two agree."""
    drawn = [(spot, three(spot.across), three(spot.up)) for spot in spots]
    limits = [limit for spot in spots for each in (spot.across, spot.up) for limit in ends(each)]
    if not limits:
        return SafeString("<p class='undefined'>Nothing to draw: no measurement has a value.</p>")
    ticks = nice_ticks(min(0.0, *limits), max(0.0, *limits))
    span = ticks[-1] - ticks[0]
    bottom = HEIGHT - BOTTOM

    def x(number: float) -> str:
        return f"{(number - ticks[0]) / span * 100:.2f}%"

    def y(number: float) -> float:
        return round(TOP + (ticks[-1] - number) / span * (bottom - TOP), 1)

    axis = format_html_join(
        "", "<text x='{}' y='{}'>{}</text>", ((LABELS - 8, y(tick) + 4, label(tick)) for tick in ticks)
    )
    grid = format_html_join(
        "",
        "<line class='grid' x2='100%' y1='{0}' y2='{0}'/><line class='grid' x1='{1}' x2='{1}' y1='{2}' y2='{3}'/>"
        "<text class='tick' x='{1}' y='{4}'>{5}</text>",
        ((y(tick), x(tick), TOP, bottom, bottom + 18, label(tick)) for tick in ticks),
    )
    diagonal = format_html("<line class='level' x1='0' x2='100%' y1='{}' y2='{}'/>", bottom, TOP)
    crosses = [
        format_html(
            "<g class='tone-{}'><title>{}</title>"
            "<line class='range' x1='{}' x2='{}' y1='{up}' y2='{up}'/>"
            "<line class='range' x1='{across}' x2='{across}' y1='{}' y2='{}'/>"
            "<circle class='point' cx='{across}' cy='{up}' r='5'/></g>",
            spot.tone,
            spot.title,
            x(across[0]),
            x(across[2]),
            y(up[0]),
            y(up[2]),
            across=x(across[1]),
            up=y(up[1]),
        )
        for spot, across, up in drawn
        if across and up
    ]
    return format_html(
        "<svg class='scale' width='{}' height='{}' aria-hidden='true'>{}</svg>"
        "<svg class='trend scatter' width='100%' height='{}' aria-hidden='true'>{}{}{}</svg>",
        LABELS, HEIGHT, axis, HEIGHT, grid, diagonal, SafeString("".join(crosses)),
    )  # fmt: skip
