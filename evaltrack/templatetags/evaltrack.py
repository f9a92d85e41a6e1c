"""How numbers, intervals, states and untrusted text look on every page."""

import datetime as dt
import json
from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from evaltrack.rendering import html_of
from evaltrack.rendering.citations import Anchors, linked
from evaltrack.rendering.exact import exact_html
from evaltrack.rendering.hidden import visible
from evaltrack.templatetags import intervals

register = template.Library()


@register.filter
def untrusted(text: str) -> SafeString:
    """Text of a model or an upload: escaped, with invisible controls made visible."""
    return mark_safe(conditional_escape(visible(str(text))))


@register.filter
def rendered(text: str, format: str) -> SafeString:
    """Text of a model or an upload as markdown, code, JSON and so on: {{ text|rendered:"markdown" }}."""
    return mark_safe(html_of(str(text), format))


@register.filter
def exact(text: str) -> SafeString:
    """Text of a model, to point at: within a <pre>, after a line break."""
    return mark_safe(exact_html(str(text)))


@register.filter
def cited(markup: SafeString, anchors: Anchors) -> SafeString:
    """Rendered text in which [1] leads to its passage: {{ text|rendered:"markdown"|cited:anchors }}."""
    return mark_safe(linked(markup, anchors))


@register.filter
def number(value: float | None, kind: str = "") -> str:
    """A number as people read it: shares in percent, milliseconds whole, the rest with three digits."""
    if value is None:
        return "–"
    if kind == "binary":
        return f"{value * 100:.1f} %"
    if kind == "latency":
        return f"{value:.0f} ms"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


@register.filter
def lasting(seconds: float) -> str:
    """How long something takes, in the largest unit that tells it: 40 s, 12 min, 3 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.0f} h"


@register.filter
def dollars(micro: int) -> str:
    """Money that is kept in millionths: to the cent, and small amounts with their first digits."""
    amount = micro / 1_000_000
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.4f}"


@register.filter
def signed(value: float | None, kind: str = "") -> str:
    """A difference: shares in points, with their sign."""
    if value is None:
        return "–"
    if kind == "binary":
        return f"{value * 100:+.1f} pts"
    if kind == "latency":
        return f"{value:+.0f} ms"
    return f"{value:+.3f}" if abs(value) < 10 else f"{value:+.1f}"


@register.simple_tag
def estimate(statistic: dict[str, Any] | None, kind: str = "", difference: bool = False) -> SafeString:
    """A statistic of the API with its interval; where there is none, the reason."""
    if not statistic:
        return mark_safe("<span class='undefined'>–</span>")
    if "undefined" in statistic:
        return format_html("<span class='undefined'>{}</span>", statistic["undefined"])
    show = signed if difference else number
    value = show(statistic["value"], kind)
    if statistic["ci_low"] is None:
        return format_html(
            "<span class='value'>{}</span> <small class='undefined'>no interval: {}</small>",
            value,
            statistic.get("ci_undefined", ""),
        )
    return format_html(
        "<span class='value'>{}</span> <small class='interval'>{} to {}</small>",
        value,
        show(statistic["ci_low"], kind),
        show(statistic["ci_high"], kind),
    )


@register.simple_tag
def p_value(test: dict[str, Any] | None) -> str:
    if not test or "undefined" in test:
        return "–"
    p = test["p_value"]
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.4f}"


# Colour never stands alone: each state has its shape.
BADGES = {
    "PASS": ("good", "▲"),
    "FAIL": ("bad", "▼"),
    "INCONCLUSIVE": ("flat", "◆"),
    "approved": ("good", "▲"),
    "rejected": ("bad", "▼"),
    "undecided": ("bad", "■"),
    "waiting": ("warn", "■"),
    "awaiting_people": ("warn", "●"),
    "running": ("busy", "●"),
    "queued": ("flat", "○"),
    "confirmed": ("bad", "▼"),
    "suspected": ("warn", "▼"),
    "watch": ("busy", "●"),
}


@register.simple_tag
def badge(state: str, label: str = "") -> SafeString:
    tone, mark = BADGES.get(state, ("flat", "○"))
    return format_html(
        "<span class='badge badge-{}'><span aria-hidden='true'>{}</span> {}</span>",
        tone,
        mark,
        label or state,
    )


@register.simple_tag
def interval_plot(delta: dict[str, Any], margin: float, direction: str, scale: float) -> SafeString:
    """The interval of a difference as a picture, on a scale that several share; right is better."""
    return intervals.plot(delta, margin=margin, flipped=direction == "lower", scale=scale)


@register.simple_tag
def axis_ends(scale: float, kind: str, direction: str) -> SafeString:
    """What the ends of the axis of `interval_plot` stand for; right is better."""
    ends = (-scale, scale) if direction == "higher" else (scale, -scale)
    return (
        format_html(
            "<span class='axis fine dim' aria-hidden='true'><span>{}</span><span>{}</span></span>",
            *(signed(end, kind) for end in ends),
        )
        if scale
        else SafeString("")
    )


@register.simple_tag
def floor_plot(statistic: dict[str, Any], floor: float, start: float | None = None) -> SafeString:
    """The interval of agreement as a picture, beside the floor that a policy sets; rows of a table share a start."""
    return intervals.against_floor(statistic, floor, start)


@register.filter
def role_names(user: Any) -> str:
    return ", ".join(sorted(role.label for role in user.roles))


@register.filter
def when(moment: dt.datetime | None) -> SafeString:
    if moment is None:
        return mark_safe("–")
    return format_html(
        '<time datetime="{}">{}</time>', moment.isoformat(), moment.strftime("%d %b %Y, %H:%M UTC")
    )


@register.filter
def can(user: Any, permission: str) -> bool:
    """Whether a link that asks for `permission` is worth showing: {% if user|can:"ledger:view" %}."""
    return user.is_authenticated and user.can(permission)


@register.filter
def pretty_json(value: Any) -> str:
    """JSON, or what becomes JSON, for reading. Bytes that are none are shown as they are."""
    try:
        content = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return value
    return json.dumps(content, indent=2, ensure_ascii=False)


@register.filter
def shortened(digest: str) -> SafeString:
    """The first digits of a digest; the whole of it is on the page of what it identifies."""
    return format_html("<code class='digest'>{}…</code>", digest[:12])
