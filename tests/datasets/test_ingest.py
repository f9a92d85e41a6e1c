"""Taking in a file: all of it or nothing, once, and only by the custodian."""

import pytest
from django.db import IntegrityError, transaction

from datasets import ingest
from datasets.models import Dataset, DatasetVersion
from evaltrack import clock
from evaltrack.errors import Conflict, Invalid, Refused
from tests.datasets.conftest import ndjson, sums


def test_a_file_becomes_a_draft_that_says_what_it_covers(taken_in):
    version = taken_in(20)
    assert (version.state, version.example_count, str(version)) == ("draft", 20, "faq@1.0")
    assert version.coverage == {"tags": {"sums": 20}, "with_expected": 20, "identical_inputs": 0}


def test_identical_inputs_are_told_and_not_refused(dataset, custodian):
    rows = [{"id": str(n), "input": "the same"} for n in range(3)]
    version = ingest.take_in(dataset, version="1", lines=ndjson(rows), by=custodian, at=clock.now())
    assert version.coverage["identical_inputs"] == 2


def test_taking_in_the_same_file_again_answers_with_the_first(taken_in):
    assert taken_in(20) == taken_in(20)
    assert DatasetVersion.objects.count() == 1


def test_other_rows_under_the_same_number_are_a_conflict(taken_in):
    first = taken_in(20)
    with pytest.raises(Conflict, match="Versions never change; choose a new number") as conflict:
        taken_in(21)
    assert conflict.value.code == "version_exists"
    assert DatasetVersion.objects.get().digest == first.digest


def test_one_bad_line_and_nothing_is_there(dataset, custodian):
    lines = [*ndjson(sums(300)), b'{"input": 5}\n', b"x\n"]
    with pytest.raises(Invalid) as broken:
        ingest.take_in(dataset, version="1.0", lines=lines, by=custodian, at=clock.now())
    assert broken.value.code == "broken_lines"
    assert broken.value.reason.startswith("Line 301: input must be text or an object, and not empty.")
    assert [(error["line"], error["field"]) for error in broken.value.extra["errors"]] == [
        (301, "input"),
        (302, ""),
    ]
    assert not DatasetVersion.objects.exists()


@pytest.mark.parametrize("version", ["", "  ", "x" * 41, "3/2", "3 2", "3\x002", "../3"])
def test_a_version_needs_a_name_that_an_address_can_carry(dataset, custodian, version):
    with pytest.raises(Invalid) as bad:
        ingest.take_in(dataset, version=version, lines=ndjson(sums(1)), by=custodian, at=clock.now())
    assert bad.value.code == "bad_version"


def test_only_the_custodian_takes_in_versions(dataset, platform):
    with pytest.raises(Refused, match="faq is kept by custodian; ask them to change it") as refused:
        ingest.take_in(dataset, version="1.0", lines=ndjson(sums(1)), by=platform, at=clock.now())
    assert refused.value.code == "not_custodian"
    assert not DatasetVersion.objects.exists()


def test_a_slug_is_taken_once(dataset, custodian):
    with pytest.raises(Conflict, match="There is a dataset 'faq' already"):
        ingest.register(
            slug="faq", name="x", use_case="", sensitivity="public", custodian=custodian, by=custodian,
            at=clock.now(),
        )  # fmt: skip


@pytest.mark.parametrize("changes", [{"state": "published"}, {"state": "lost"}])
def test_the_database_refuses_a_state_that_no_act_gives(taken_in, changes):
    version = taken_in(3)
    with pytest.raises(IntegrityError), transaction.atomic():
        DatasetVersion.objects.filter(pk=version.pk).update(**changes)


def test_the_database_knows_the_sensitivities(dataset):
    with pytest.raises(IntegrityError), transaction.atomic():
        Dataset.objects.update(sensitivity="whatever")
