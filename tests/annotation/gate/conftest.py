"""A campaign, its uploads, and the lead who decides."""

import pytest

from annotation import opening
from annotation.blinding import release
from evaltrack import clock


@pytest.fixture
def campaign(lead):
    return opening.open_stand_alone(name="Round 2", overlap=2, due_at=None, by=lead, at=clock.now())


@pytest.fixture
def add(campaign, lead):
    return lambda *items: opening.add_items(campaign.pk, iter(items), by=lead, at=clock.now())


@pytest.fixture
def decide(campaign, lead):
    return lambda decision, **which: release.decide(
        campaign.pk, decision=decision, by=lead, at=clock.now(), **which
    )
