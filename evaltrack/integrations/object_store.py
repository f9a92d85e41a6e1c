"""Content-addressed blobs: the address is the SHA-256 of the bytes, and every byte read is hashed again."""

import os
import tempfile
from pathlib import Path
from typing import Protocol

from django.conf import settings

from evaltrack.canonical import sha256_hex
from evaltrack.errors import ExpectedError, Unavailable


class Damaged(ExpectedError):
    """Stored bytes are not the bytes that were put."""

    status = 500


class BlobStore(Protocol):
    def put_if_absent(self, content: bytes) -> str:
        """Store `content`; its address."""

    def get_verified(self, address: str) -> bytes:
        """The bytes at `address`.

        Damaged where they hash to something else or are missing from a store that answers, Unavailable where it
        does not answer: that one passes, the others do not.
        """


class FileStore:
    """Blobs as files below one folder, `sha256/ab/cd/<64 hex>`; each appears whole, by rename."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, address: str) -> Path:
        return self.root / "sha256" / address[:2] / address[2:4] / address

    def put_if_absent(self, content: bytes) -> str:
        address = sha256_hex(content)
        path = self.path(address)
        if path.exists():
            return address
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise Unavailable("store_unavailable", f"The object store cannot be written: {error}.") from error
        return address

    def get_verified(self, address: str) -> bytes:
        try:
            content = self.path(address).read_bytes()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and (self.root / "sha256").is_dir():
                sentence = f"The blob {address[:12]}… is missing from the store; restore it from a backup."
                raise Damaged("missing", sentence) from error
            sentence = f"The object store did not give {address[:12]}…"
            raise Unavailable("store_unavailable", sentence) from error
        if sha256_hex(content) != address:
            raise Damaged(
                "damaged", f"The blob {address[:12]}… was altered in the store; restore it from a backup."
            )
        return content


def object_store() -> BlobStore:
    return FileStore(settings.STORE_DIR)
