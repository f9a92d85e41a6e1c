"""Acts: register a dataset, take in a file as a draft version."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from django.db import IntegrityError, transaction

from datasets import packs, policies
from datasets.examples import Example, read_examples
from datasets.models import Dataset, DatasetVersion
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, refuse_if
from evaltrack.integrations.object_store import object_store
from evaltrack.ndjson import BrokenLines

VERSION = re.compile(r"[A-Za-z0-9._+-]{1,40}")


def register(
    *, slug: str, name: str, use_case: str, sensitivity: str, custodian: User, by: User, at: dt.datetime
) -> Dataset:
    try:
        with transaction.atomic():
            return Dataset.objects.create(
                slug=slug,
                name=name,
                use_case=use_case,
                sensitivity=sensitivity,
                custodian=custodian,
                created_by=by,
                created_at=at,
            )
    except IntegrityError:
        raise Conflict(
            "dataset_exists", f"There is a dataset {slug!r} already; upload a version of it."
        ) from None


def take_in(
    dataset: Dataset, *, version: str, lines: Iterable[bytes], by: User, at: dt.datetime
) -> DatasetVersion:
    """Store the examples of an NDJSON file as a draft version: all of them or, if a line is bad, nothing.

    The packs go into the store first and the row last, so that no row ever points to absent bytes. Taking in
    the same file again answers with the version that is there.
    """
    refuse_if(policies.managing(by, dataset))
    if not VERSION.fullmatch(version):
        raise Invalid(
            "bad_version",
            "Name the version, for example ?version=3.2, in up to 40 letters, digits and the signs . _ + -.",
        )
    coverage = Coverage()
    try:
        digest, manifest, count = packs.write(object_store(), coverage.counting(read_examples(lines)))
    except BrokenLines as broken:
        raise broken.as_invalid() from None
    try:
        with transaction.atomic():
            return DatasetVersion.objects.create(
                dataset=dataset,
                version=version,
                digest=digest,
                manifest=manifest,
                example_count=count,
                coverage=coverage.as_json(),
                created_by=by,
                created_at=at,
            )
    except IntegrityError:
        existing = DatasetVersion.objects.get(dataset=dataset, version=version)
        if existing.digest == digest:
            return existing
        raise Conflict(
            "version_exists",
            f"{dataset}@{version} exists with other content. Versions never change; choose a new number.",
        ) from None


class Coverage:
    """Counts what a version covers while its examples stream by."""

    def __init__(self) -> None:
        self.tags: Counter[str] = Counter()
        self.with_expected = 0
        self.inputs: Counter[str] = Counter()

    def counting(self, examples: Iterator[Example]) -> Iterator[Example]:
        for example in examples:
            self.tags.update(example.tags)
            self.with_expected += example.expected is not None
            self.inputs[str(example.input)[:500]] += 1
            yield example

    def as_json(self) -> dict:
        return {
            "tags": dict(sorted(self.tags.items())),
            "with_expected": self.with_expected,
            "identical_inputs": sum(times - 1 for times in self.inputs.values()),
        }
