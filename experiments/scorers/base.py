"""Pure: what a scorer is asked and what it gives."""

from dataclasses import dataclass

from experiments.metrics.base import Value


class Away(Exception):
    """A scorer cannot be asked at all now: a sentence that says why. What was asked for waits."""


@dataclass(frozen=True)
class Given:
    """A value, and what gave it, as that says of itself."""

    value: Value
    versions: str
