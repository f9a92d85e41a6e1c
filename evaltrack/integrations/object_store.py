"""Content-addressed blobs: the address is the SHA-256 of the bytes, and every byte read is hashed again."""

import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from django.conf import settings

from evaltrack.canonical import sha256_hex
from evaltrack.errors import ExpectedError, Unavailable


class Damaged(ExpectedError):
    """Stored bytes are not the bytes that were put."""

    status = 500


class BlobStore(Protocol):
    def put_if_absent(self, content: bytes) -> str:
        """Store `content`; its address."""

    def put_file_if_absent(self, file: IO[bytes]) -> str:
        """Store a file from its beginning, a part at a time; its address."""

    def open_verified(self, address: str) -> BinaryIO:
        """The bytes at `address` as a file at its beginning, hashed a part at a time; fails as `get_verified`."""

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
        return self.put_file_if_absent(io.BytesIO(content))

    def put_file_if_absent(self, file: IO[bytes]) -> str:
        file.seek(0)
        address = digest_of(file)
        path = self.path(address)
        if path.exists():
            return address
        file.seek(0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent)
            with os.fdopen(handle, "wb") as target:
                shutil.copyfileobj(file, target)
                target.flush()
                os.fsync(target.fileno())
            os.replace(temporary, path)
        except OSError as error:
            raise Unavailable("store_unavailable", f"The object store cannot be written: {error}.") from error
        return address

    def get_verified(self, address: str) -> bytes:
        with self.answering(address):
            content = self.path(address).read_bytes()
        refuse_altered(sha256_hex(content), address)
        return content

    def open_verified(self, address: str) -> BinaryIO:
        with self.answering(address), ExitStack() as undone:
            file = undone.enter_context(self.path(address).open("rb"))
            refuse_altered(digest_of(file), address)
            file.seek(0)
            undone.pop_all()
        return file

    @contextmanager
    def answering(self, address: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if isinstance(error, FileNotFoundError) and (self.root / "sha256").is_dir():
                sentence = f"The blob {address[:12]}… is missing from the store; restore it from a backup."
                raise Damaged("missing", sentence) from error
            sentence = f"The object store did not give {address[:12]}…"
            raise Unavailable("store_unavailable", sentence) from error


def refuse_altered(found: str, address: str) -> None:
    if found != address:
        raise Damaged(
            "damaged", f"The blob {address[:12]}… was altered in the store; restore it from a backup."
        )


def digest_of(file: IO[bytes]) -> str:
    """The SHA-256 of what is left of the file."""
    found = hashlib.sha256()
    while part := file.read(1 << 20):
        found.update(part)
    return found.hexdigest()


def object_store() -> BlobStore:
    return FileStore(settings.STORE_DIR)
