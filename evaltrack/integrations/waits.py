"""Pure: how long another side asks us to wait, by its headers."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h)")
# Of what there may be nothing left, as OpenAI-compatible gateways name it.
COUNTED = ("requests", "tokens")


def retry_after(value: str, *, most: float, now: datetime | None = None) -> float | None:
    """Seconds that the other side asks us to wait, in either of the header's two forms; at most `most`."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        if moment.tzinfo is None:
            return None
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    # Written so that NaN is none either.
    return min(seconds, most) if seconds >= 0 else None


def until_reset(headers: Mapping[str, str], *, most: float) -> float | None:
    """Seconds until an allowance that is used up is renewed; None where something is left, or nothing is said."""
    waits = [
        duration(headers.get(f"x-ratelimit-reset-{counted}", ""))
        for counted in COUNTED
        if headers.get(f"x-ratelimit-remaining-{counted}", "").strip() == "0"
    ]
    known = [wait for wait in waits if wait is not None]
    return min(max(known), most) if known else None


def duration(text: str) -> float | None:
    """Seconds of a text such as `6m0s`, `120ms` or `2`."""
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
        return float(text)
    parts = DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * SECONDS[unit] for number, unit in parts)
