"""Pure: intervals drawn as SVG on the server. The table beside the picture is its alternative."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

WIDTH, HEIGHT, PAD = 220, 24, 6


def plot(delta: dict[str, Any], *, margin: float, flipped: bool, scale: float) -> SafeString:
    """One interval around zero. `scale` is the largest difference that the axis shows, in the metric's unit.

    The shaded band is the tolerated loss; `flipped` mirrors metrics of which less is better.
    """
    if "undefined" in delta or delta.get("ci_low") is None or not scale:
        return mark_safe("<span class='undefined'>not drawn</span>")
    sign = -1 if flipped else 1
    ends = sorted((sign * delta["ci_low"], sign * delta["ci_high"]))
    value, low, high = (place(number, scale) for number in (sign * delta["value"], *ends))
    zero, tolerated, middle = place(0, scale), place(-margin, scale), HEIGHT / 2
    tone = "good" if ends[0] > 0 else "bad" if ends[1] < -margin else "flat"
    return format_html(
        "<svg class='interval-plot tone-{}' width='{}' height='{}' viewBox='0 0 {} {}' aria-hidden='true'>"
        "<rect class='band' x='{}' y='2' width='{}' height='{}'/>"
        "<line class='zero' x1='{}' x2='{}' y1='0' y2='{}'/>"
        "<line class='range' x1='{}' x2='{}' y1='{}' y2='{}'/>"
        "<circle class='point' cx='{}' cy='{}' r='4'/></svg>",
        tone, WIDTH, HEIGHT, WIDTH, HEIGHT,
        tolerated, round(max(zero - tolerated, 0), 1), HEIGHT - 4,
        zero, zero, HEIGHT,
        low, high, middle, middle,
        value, middle,
    )  # fmt: skip


def floor_start(statistics: list[dict[str, Any]], floor: float) -> float:
    """Where the axis begins of coefficients from −1 to 1: at 0 where all is above it."""
    lows = [each["ci_low"] for each in statistics if each.get("ci_low") is not None]
    return -1.0 if min([0.0, floor, *lows]) < 0 else 0.0


def against_floor(statistic: dict[str, Any], floor: float, start: float | None = None) -> SafeString:
    """The interval of a coefficient up to 1, from `start`, which several may share; below the floor it is shaded."""
    if "undefined" in statistic or statistic.get("ci_low") is None:
        return mark_safe("<span class='undefined'>not drawn</span>")
    start = floor_start([statistic], floor) if start is None else start

    def x(number: float) -> float:
        return round(PAD + (number - start) / (1 - start) * (WIDTH - 2 * PAD), 1)

    low, high, value, line = (
        x(number) for number in (statistic["ci_low"], statistic["ci_high"], statistic["value"], floor)
    )
    tone = "good" if statistic["ci_low"] >= floor else "bad" if statistic["ci_high"] < floor else "flat"
    middle = HEIGHT / 2
    return format_html(
        "<svg class='interval-plot tone-{}' width='{}' height='{}' viewBox='0 0 {} {}' aria-hidden='true'>"
        "<rect class='band' x='{}' y='2' width='{}' height='{}'/>"
        "<line class='zero' x1='{}' x2='{}' y1='0' y2='{}'/>"
        "<line class='range' x1='{}' x2='{}' y1='{}' y2='{}'/>"
        "<circle class='point' cx='{}' cy='{}' r='4'/></svg>",
        tone, WIDTH, HEIGHT, WIDTH, HEIGHT,
        PAD, round(line - PAD, 1), HEIGHT - 4,
        line, line, HEIGHT,
        low, high, middle, middle,
        value, middle,
    )  # fmt: skip


def place(number: float, scale: float) -> float:
    """Pixels from the left for `number` on an axis from −scale to +scale; beyond the ends it stays at them."""
    share = max(-1.0, min(1.0, number / scale))
    return round(PAD + (share + 1) / 2 * (WIDTH - 2 * PAD), 1)


def shared_scale(deltas: list[dict[str, Any]], margins: list[float]) -> float:
    """The axis that holds every interval end and margin, with some air."""
    ends = [
        abs(delta[end])
        for delta in deltas
        if "undefined" not in delta
        for end in ("value", "ci_low", "ci_high")
        if delta.get(end) is not None
    ]
    return 1.1 * max([*ends, *margins], default=0.0)
