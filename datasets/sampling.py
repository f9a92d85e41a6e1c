"""Pure: which examples a tier uses, and seeded orders. The same seed gives the same sample everywhere."""

import hashlib
from collections.abc import Sequence

SMOKE, STANDARD, EXTENDED = "smoke", "standard", "extended"
TIER_SIZES: dict[str, int | None] = {SMOKE: 10, STANDARD: 250, EXTENDED: None}


def shuffled_rank(seed: str, key: str) -> bytes:
    """A key to sort by: a fixed, seeded shuffle that does not depend on any library's random numbers."""
    return hashlib.sha256(f"{seed}\n{key}".encode()).digest()


def tier_size(tier: str, everything: int) -> int:
    """How many of a dataset's examples a tier asks."""
    size = TIER_SIZES[tier]
    return everything if size is None else min(size, everything)


def tier_positions(ids: Sequence[str], *, tier: str, seed: str) -> list[int]:
    """Positions of the examples of a tier, in the order of the dataset.

    Smaller tiers are subsets of larger ones under the same seed, so that what was paid for is used again.
    """
    size = tier_size(tier, len(ids))
    if size == len(ids):
        return list(range(size))
    order = sorted(range(len(ids)), key=lambda position: shuffled_rank(seed, ids[position]))
    return sorted(order[:size])
