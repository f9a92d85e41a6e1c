"""Experiments of one component, and what is known of its proxy."""

import pytest

from tests.factories import experiments as made
from tests.factories.proxies import DIFFERING, SHARES, judged, late, suite


@pytest.fixture
def several(owner, platform, custodian):
    """Five candidates, each against the same baseline."""
    return made.several(
        SHARES, owner=owner, platform=platform, custodian=custodian, risk="high", suite=suite(), examples=60
    )


@pytest.fixture
def known(several, evaluator_one, lead):
    """Four campaigns that are closed, and a fifth experiment of the component, whose people are late."""
    for experiment, differs in zip(several, DIFFERING, strict=False):
        judged(experiment, evaluator_one, lead, differs=differs)
    return late(several[4])
