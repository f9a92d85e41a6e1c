"""Rows in the store: what identifies them, what is shared, and what happens to bytes that are not theirs."""

import gzip
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import packs
from datasets.examples import Example
from datasets.packs import Tampered
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.errors import Unavailable
from evaltrack.integrations.object_store import Damaged, FileStore


@pytest.fixture
def store(tmp_path):
    return FileStore(tmp_path / "blobs")


class MemoryStore(dict):
    """The same promises as the file store, without a file for each of a thousand properties."""

    def put_if_absent(self, content: bytes) -> str:
        address = sha256_hex(content)
        self[address] = content
        return address

    def get_verified(self, address: str) -> bytes:
        return self[address]


def rows(count: int) -> list[Example]:
    return [Example(f"q{n}", f"What is {n} plus 1?", str(n + 1), tags=("sums",)) for n in range(count)]


def packs_of(store, manifest: str) -> set[str]:
    return {pack["pack"] for pack in json.loads(store.get_verified(manifest))["packs"]}


examples = st.lists(
    st.builds(
        Example,
        id=st.uuids().map(str),
        input=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
        expected=st.none() | st.floats(-1e15, 1e15) | st.text("abc"),
    ),
    min_size=1,
    max_size=40,
    unique_by=lambda example: example.id,
)


@given(examples)
def test_what_is_read_is_what_was_written_in_order(written):
    store = MemoryStore()
    digest, manifest, count = packs.write(store, written)
    assert list(packs.read(store, manifest, digest)) == written
    assert count == len(written)


@given(examples, st.integers(1, 7))
def test_the_digest_is_of_the_rows_and_not_of_the_packing(written, largest):
    digest, manifest, _ = packs.write(MemoryStore(), written)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "LARGEST", largest)
        other_digest, other_manifest, _ = packs.write(MemoryStore(), written)
    assert other_digest == digest
    assert (other_manifest == manifest) == (len(written) <= largest)


@given(examples.filter(lambda rows: len(rows) > 1), st.randoms(use_true_random=False))
def test_the_digest_changes_with_any_row_and_with_their_order(written, chance):
    digest = packs.write(MemoryStore(), written)[0]
    place = chance.randrange(len(written))
    one = written[place]
    changed = Example(one.id, one.input + "!", one.expected)
    assert packs.write(MemoryStore(), [*written[:place], changed, *written[place + 1 :]])[0] != digest
    assert packs.write(MemoryStore(), written[:place] + written[place + 1 :])[0] != digest
    assert packs.write(MemoryStore(), written[1:] + written[:1])[0] != digest


def test_numbers_that_differ_in_the_last_digit_are_different_rows(store):
    one, other = (
        packs.write(store, [Example("q", "π", value)]) for value in (3.14159265358979, 3.14159265358980)
    )
    assert one[0] != other[0]
    assert next(packs.read(store, one[1], one[0])).expected == 3.14159265358979


def test_an_inserted_row_shares_almost_all_packs(store):
    before = rows(5000)
    after = [*before[:2000], Example("new", "What is new?"), *before[2000:]]
    first, second = (packs.write(store, some) for some in (before, after))
    assert first[0] != second[0]
    old, new = packs_of(store, first[1]), packs_of(store, second[1])
    assert len(old) > 10
    assert len(new - old) <= 2


def test_writing_the_same_rows_again_stores_nothing_new(store):
    first = packs.write(store, rows(300))
    files = sorted(store.root.rglob("*"))
    assert packs.write(store, rows(300)) == first
    assert sorted(store.root.rglob("*")) == files


@pytest.mark.parametrize("which", ["manifest", "pack"])
def test_an_altered_blob_is_damaged(store, which):
    digest, manifest, _ = packs.write(store, rows(50))
    address = manifest if which == "manifest" else packs_of(store, manifest).pop()
    path = store.path(address)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Damaged, match="altered in the store; restore it from a backup"):
        list(packs.read(store, manifest, digest))


@pytest.mark.parametrize("which", ["manifest", "pack"])
def test_a_blob_missing_from_a_store_that_answers_is_damage(store, which):
    digest, manifest, _ = packs.write(store, rows(50))
    store.path(manifest if which == "manifest" else packs_of(store, manifest).pop()).unlink()
    with pytest.raises(Damaged, match="missing from the store; restore it from a backup") as missing:
        list(packs.read(store, manifest, digest))
    assert missing.value.code == "missing"


def test_a_store_that_is_away_is_unavailable(store):
    digest, manifest, _ = packs.write(store, rows(50))
    store.root.rename(store.root.with_name("away"))
    with pytest.raises(Unavailable):
        list(packs.read(store, manifest, digest))


def test_sound_blobs_with_other_rows_are_tampered(store):
    """Somebody who can write the store and the manifest's address, but not the version's digest."""
    digest, _, _ = packs.write(store, rows(50))
    forged = gzip.compress(b"".join(row.as_bytes() + b"\n" for row in reversed(rows(50))), mtime=0)
    listed = {"packs": [{"pack": store.put_if_absent(forged), "rows": 50}]}
    with pytest.raises(Tampered):
        list(packs.read(store, store.put_if_absent(canonical_json(listed)), digest))


def test_a_store_that_cannot_be_written_is_unavailable(tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    with pytest.raises(Unavailable, match="cannot be written"):
        packs.write(FileStore(blocked), rows(3))


def test_packs_stay_between_their_bounds(store):
    chance = random.Random(3)
    some = [Example(f"q{n}", str(chance.random())) for n in range(9000)]
    _, manifest, _ = packs.write(store, some)
    sizes = [pack["rows"] for pack in json.loads(store.get_verified(manifest))["packs"]]
    assert sum(sizes) == 9000
    assert all(packs.SMALLEST <= size <= packs.LARGEST for size in sizes[:-1])
