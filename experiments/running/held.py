"""What a worker holds while a call is in flight."""

from dataclasses import dataclass

from experiments.judging.asking import Posed
from experiments.running.claims import Claimed


@dataclass(frozen=True)
class Held:
    """A claimed output, with the digest of its request and what is reserved for it, in micro-dollars."""

    claimed: Claimed
    request_digest: str
    # Under which its answer may be reused, if it turns out whole; None where it may not.
    cache_key: str | None = None
    # What a judge was asked.
    posed: Posed | None = None
    reserved: int = 0
