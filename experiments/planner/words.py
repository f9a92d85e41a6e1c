"""Pure: numbers of a plan as people read them."""

import math
import re


def plain(value: float, digits: int = 4) -> str:
    """A number without superfluous digits, and without an exponent where people would not read one."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    rounded = f"{value:.{digits}g}"
    if "e" not in rounded:
        return rounded
    return f"{float(rounded):,.0f}" if abs(value) >= 1 else f"{value:.12f}".rstrip("0").rstrip(".") or "0"


def percent(share: float, digits: int = 4) -> str:
    """Never 100 % for a power that is less."""
    text = plain(100 * share, digits)
    if text == "100" and share < 1:
        return "over 99.9 %"
    return "under 0.1 %" if 0 < share < 0.0005 else f"{text} %"


def points(difference: float) -> str:
    text = plain(100 * difference, 3)
    return f"{text} point{'' if text == '1' else 's'}"


def told_number(n: int, things: str) -> str:
    """1,175 examples, 1 example."""
    if n == 1:
        things = re.sub(r"^(\w+)s\b", r"\1", things)
    return f"{n:,} {things}"
