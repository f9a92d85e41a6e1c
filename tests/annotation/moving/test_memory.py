"""A long file takes as little memory as a short one, in either direction."""

import datetime as dt
import io
import json
import tracemalloc

import pytest

from annotation import exports
from annotation.exports import records
from annotation.formats import label_studio, other_tools
from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import Fields
from annotation.models import ImportedJudgment, ImportedRater, ImportedSource, JudgmentImport
from evaltrack import clock
from tests.annotation.moving.test_label_studio import annotation, choice, task
from tests.factories import stand_alone


def peak_of(read):
    tracemalloc.start()
    try:
        count = sum(1 for _ in read())
        return tracemalloc.get_traced_memory()[1], count
    finally:
        tracemalloc.stop()


def with_judgments(lead, count):
    campaign = stand_alone.campaign(lead, items=0, name=f"{count} judgments")
    batch = JudgmentImport.objects.create(
        campaign=campaign, format="ndjson", sha256="0" * 64, judgments=count, skipped=0, known=0,
        imported_by=lead, imported_at=clock.now(),
    )  # fmt: skip
    rater = ImportedRater.objects.create(campaign=campaign, key="k", number=1)
    left, right = (ImportedSource.objects.create(campaign=campaign, name=name) for name in ("one", "two"))
    ImportedJudgment.objects.bulk_create(
        ImportedJudgment(
            batch=batch, campaign=campaign, line=n, rater=rater, item=f"item {n}", left=left, right=right,
            choice="left", answers={"fluency": "right"},
        )
        for n in range(count)
    )  # fmt: skip
    return campaign


@pytest.mark.parametrize("format", list(exports.FORMATS))
def test_an_export_takes_the_memory_of_a_chunk(lead, monkeypatch, format):
    monkeypatch.setattr(records, "CHUNK", 200)
    campaigns = [with_judgments(lead, count) for count in (600, 3000)]

    def read(campaign):
        return lambda: exports.opened(campaign, format=format, by=lead, at=clock.now()).parts

    peak_of(read(campaigns[0]))  # warms what is kept between exports
    small, few = peak_of(read(campaigns[0]))
    large, many = peak_of(read(campaigns[1]))
    assert many >= few + 11
    # A number for each chunk is kept, and nothing for each judgment.
    assert large < small * 1.25


def test_an_import_takes_the_memory_of_a_batch_of_tasks(monkeypatch):
    monkeypatch.setattr(other_tools, "BATCH", 50)

    def file(tasks):
        """With texts of 10 kB a task."""
        said = [task(annotation(choice("A"), number=n), number=n, pad="x" * 10_000) for n in range(tasks)]
        return io.BytesIO(json.dumps(said).encode())

    def read(raw):
        now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        return lambda: other_tools.read_judgments(
            raw, "label_studio", Fields(), (), LeftOut(), look_up=lambda names: {}, now=now
        )

    files = file(200), file(1000)
    small, few = peak_of(read(files[0]))
    large, many = peak_of(read(files[1]))
    assert (few, many) == (200, 1000)
    assert large < small * 1.25


def test_of_long_tasks_few_are_held_at_once():
    """A task may take 4 MB, and its values many times as much; two hundred of them are more than a server has."""
    reader = label_studio.Judgments(Fields(), (), LeftOut())
    task = json.dumps({"data": {"prompt": "x" * 1_500_000}, "annotations": []})
    file = io.BytesIO(f"[{','.join([task] * 12)}]".encode())
    sizes = [len(batch) for batch, _ in other_tools.looked_up(file, reader, lambda names: {})]
    assert sum(sizes) == 12
    assert max(sizes) <= 6
