"""A registered dataset, and the file of a version."""

import json

import pytest

from datasets import ingest
from evaltrack import clock


@pytest.fixture
def dataset(custodian):
    return ingest.register(
        slug="faq",
        name="FAQ",
        use_case="Answers to customers",
        sensitivity="internal",
        custodian=custodian,
        by=custodian,
        at=clock.now(),
    )


def ndjson(rows) -> list[bytes]:
    return [json.dumps(row).encode() + b"\n" for row in rows]


def sums(count: int) -> list[dict]:
    return [
        {"id": f"q{n}", "input": f"{n} + 1", "expected": str(n + 1), "tags": ["sums"]} for n in range(count)
    ]


@pytest.fixture
def taken_in(dataset, custodian):
    """Take in sums as a draft version."""

    def take_in(count: int = 20, version: str = "1.0"):
        return ingest.take_in(
            dataset, version=version, lines=ndjson(sums(count)), by=custodian, at=clock.now()
        )

    return take_in
