"""A worker reads each dataset version once, and holds no more files than it has to do with."""

import gc

import pytest

from datasets import versions
from datasets.shelf import MOST, Shelf
from tests.factories import experiments

pytestmark = pytest.mark.django_db


def test_examples_are_those_of_the_store_in_order_and_by_position(custodian):
    golden = experiments.dataset_version(custodian, examples=30)
    stored = list(versions.stream(golden))
    found = Shelf().examples(golden)
    assert list(found) == stored
    assert [found[position] for position in (29, 0, 7)] == [stored[29], stored[0], stored[7]]
    assert len(found) == 30


def test_the_second_who_asks_is_given_what_the_first_has_read(custodian):
    golden, shelf = experiments.dataset_version(custodian), Shelf()
    assert shelf.examples(golden) is shelf.examples(golden)


def test_what_was_not_asked_for_lately_is_read_by_who_holds_it_and_closed_when_nobody_does(custodian):
    shelf = Shelf()
    held = shelf.examples(experiments.dataset_version(custodian, slug="first", examples=20))
    file = held.file
    for n in range(MOST):
        shelf.examples(experiments.dataset_version(custodian, slug=f"golden-{n}", examples=10 + n))
    assert len(shelf.spools) == MOST
    assert held not in shelf.spools.values()
    assert held[3].id == "q3"
    del held
    gc.collect()
    assert file.closed
