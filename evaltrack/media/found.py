"""What cleaning answers: the clean file with what is known of it, or why it cannot be used."""

from dataclasses import dataclass


class Unfit(Exception):
    """The file cannot be shown; the sentence says why, and what to do."""


@dataclass(frozen=True)
class Cleaned:
    """What the clean file is. `width` and `height` are a picture's, 0 for a recording.

    `removed` says what was left out, in the words of the format.
    """

    kind: str
    content_type: str
    width: int = 0
    height: int = 0
    removed: tuple[str, ...] = ()
