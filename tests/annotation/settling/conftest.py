"""A campaign whose two evaluators agree about nothing, and a senior evaluator who has judged none of it."""

import pytest

from tests.factories import annotation as factory
from tests.factories import settling


@pytest.fixture
def campaign(lead):
    return factory.stand_alone("pairwise", lead=lead)


@pytest.fixture
def disputed(campaign, both):
    settling.disagree(campaign, *both)
    return campaign


@pytest.fixture
def senior(evaluator_three, lead):
    return settling.senior(evaluator_three, lead=lead)
