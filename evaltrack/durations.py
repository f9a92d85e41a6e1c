"""Lengths of time as people say them. Pure."""

import datetime as dt

UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


def in_words(length: dt.timedelta) -> str:
    """The largest unit and the next one: 2 days 3 hours, 40 minutes, less than a minute."""
    left = int(abs(length).total_seconds())
    counts = []
    for unit, seconds in UNITS:
        count, left = divmod(left, seconds)
        counts.append((count, f"{count} {unit}{'' if count == 1 else 's'}"))
    first = next((place for place, (count, _) in enumerate(counts) if count), None)
    if first is None:
        return "less than a minute"
    return " ".join(words for count, words in counts[first : first + 2] if count)
