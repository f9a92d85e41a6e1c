"""Rows in the object store: packs of rows, and a manifest that lists them.

Packs end where a row's hash says so, not at a fixed count: an inserted row changes the pack it falls into
and none after it, so that the next version shares almost all packs with this one.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from datasets.examples import Example, VersionDigest
from evaltrack.canonical import canonical_json, sha256_hex
from evaltrack.errors import ExpectedError
from evaltrack.integrations.object_store import BlobStore

SMALLEST, LARGEST, BOUNDARY = 16, 2048, 256


class Tampered(ExpectedError):
    """The rows do not hash to the version's digest."""

    status = 500


@dataclass
class PackWriter:
    """Takes examples in order and stores them; `finish` gives digest, manifest and count."""

    store: BlobStore
    rows: list[bytes] = field(default_factory=list)
    packs: list[dict] = field(default_factory=list)
    digest: VersionDigest = field(default_factory=VersionDigest)
    count: int = 0

    def add(self, example: Example) -> None:
        row = example.as_bytes()
        row_hash = sha256_hex(row)
        self.digest.add(example.id, row_hash)
        self.rows.append(row)
        self.count += 1
        at_boundary = int(row_hash[:8], 16) % BOUNDARY == 0 and len(self.rows) >= SMALLEST
        if at_boundary or len(self.rows) >= LARGEST:
            self.close_pack()

    def close_pack(self) -> None:
        if self.rows:
            # mtime 0: the same rows must give the same bytes, hence the same address.
            address = self.store.put_if_absent(gzip.compress(b"\n".join(self.rows) + b"\n", mtime=0))
            self.packs.append({"pack": address, "rows": len(self.rows)})
            self.rows = []

    def finish(self) -> tuple[str, str, int]:
        self.close_pack()
        digest = self.digest.hexdigest()
        manifest = {"format": "evaltrack-packs-v1", "digest": digest, "packs": self.packs}
        return digest, self.store.put_if_absent(canonical_json(manifest)), self.count


def write(store: BlobStore, examples: Iterable[Example]) -> tuple[str, str, int]:
    writer = PackWriter(store)
    for example in examples:
        writer.add(example)
    return writer.finish()


def read(store: BlobStore, manifest: str, digest: str) -> Iterator[Example]:
    """Examples in order. Raises Tampered after the last one if they do not hash to `digest`."""
    found = VersionDigest()
    for pack in json.loads(store.get_verified(manifest))["packs"]:
        for line in gzip.decompress(store.get_verified(pack["pack"])).splitlines():
            row = json.loads(line)
            example = Example(**{**row, "tags": tuple(row.get("tags", ()))})
            found.add(example.id, sha256_hex(line))
            yield example
    if found.hexdigest() != digest:
        raise Tampered(
            "dataset_tampered",
            "The rows in the store are not the rows of this version; restore it from a backup.",
        )
