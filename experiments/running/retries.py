"""Pure: how many calls to an endpoint may be made again, so that its failures do not multiply what it is asked.

A bucket of tokens, kept as one time: by when it will be full again, with nothing earned meanwhile. Each answer earns
`SHARE` of a token, time alone one every `EVERY`, each call that is made again takes one. So of all workers together

    retries <= RESERVE + SHARE * answers + time / EVERY

whatever happens in which order. Answers earn, rather than calls: an endpoint that gives none earns nothing.
"""

import datetime as dt

# Every tenth answer.
SHARE = 0.1
# What a full bucket holds: a small experiment asks again at once.
RESERVE = 20
# With nothing earned retries are made this slowly, and never not at all.
EVERY = dt.timedelta(seconds=0.5)
FULL = RESERVE * EVERY


def left(full_at: dt.datetime | None, *, at: dt.datetime) -> int:
    """How many may be made now."""
    return (FULL - (within(full_at, at=at) - at)) // EVERY


def earned(full_at: dt.datetime | None, answers: int, *, at: dt.datetime) -> dt.datetime:
    return max(at, within(full_at, at=at) - answers * SHARE * EVERY)


def spent(full_at: dt.datetime | None, wanted: int, *, at: dt.datetime) -> tuple[int, dt.datetime]:
    """How many of the wanted may be made, and when it is full again after them."""
    granted = min(wanted, left(full_at, at=at))
    return granted, within(full_at, at=at) + granted * EVERY


def within(full_at: dt.datetime | None, *, at: dt.datetime) -> dt.datetime:
    # Further ahead than an empty bucket only where the database's clock was set back.
    return min(max(full_at or at, at), at + FULL)
