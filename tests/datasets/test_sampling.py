"""Tiers: fixed by the seed, and smaller ones inside larger ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.sampling import tier_positions

IDS = [f"q{n}" for n in range(1000)]


@pytest.mark.parametrize(("tier", "size"), [("smoke", 10), ("standard", 250), ("extended", 1000)])
def test_a_tier_has_its_size(tier, size):
    positions = tier_positions(IDS, tier=tier, seed="s")
    assert len(set(positions)) == size
    assert positions == sorted(positions)


@given(st.text(), st.lists(st.text(max_size=5), unique=True, max_size=400))
def test_smoke_is_part_of_standard_is_part_of_extended(seed, ids):
    smoke, standard, extended = (
        set(tier_positions(ids, tier=tier, seed=seed)) for tier in ("smoke", "standard", "extended")
    )
    assert smoke <= standard <= extended == set(range(len(ids)))


def test_a_seed_gives_the_same_sample_wherever_the_rows_stand():
    chosen = {IDS[position] for position in tier_positions(IDS, tier="smoke", seed="s")}
    turned = IDS[::-1]
    assert {turned[position] for position in tier_positions(turned, tier="smoke", seed="s")} == chosen
    # Worked out once; another number here means that old experiments are sampled anew.
    assert tier_positions(IDS, tier="smoke", seed="s") == [77, 279, 323, 440, 447, 474, 515, 589, 836, 848]


def test_another_seed_gives_another_sample():
    assert tier_positions(IDS, tier="smoke", seed="s") != tier_positions(IDS, tier="smoke", seed="t")
