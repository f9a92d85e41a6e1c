"""A campaign that waits for people, and people enough to judge it."""

import pytest

from evaltrack.accounts.roles import Role
from tests.conftest import person, signed
from tests.factories import annotation as factory


@pytest.fixture
def campaign(owner, platform, custodian, lead):
    """Six tasks, two judgments each, of an experiment whose metrics passed."""
    return factory.open_campaign(owner=owner, platform=platform, custodian=custodian)


@pytest.fixture
def evaluator_three(db):
    return signed(person("evaluator_three", Role.EVALUATOR))


@pytest.fixture
def both(evaluator_one, evaluator_two):
    return [evaluator_one, evaluator_two]
