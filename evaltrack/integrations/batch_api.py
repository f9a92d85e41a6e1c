"""Files and batches of an OpenAI-compatible endpoint: upload, create, find, look, download, cancel.

What comes back is taken for hostile: little of it is read, an answer file is kept on disk up to a limit, and ids are
checked before they become part of an address.
"""

import json
import re
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

import aiohttp

from evaltrack.integrations.addresses import AddressRefused
from evaltrack.integrations.calls import Calls, read_up_to
from evaltrack.integrations.model_api import (
    GATEWAY_ALONE,
    CallFailed,
    Failure,
    Header,
    headers_of,
    secrets_in,
    storable,
)
from evaltrack.integrations.replies import without

LARGEST_REPLY = 1024 * 1024
LARGEST_FILE = 2 * 1024 * 1024 * 1024
LONGEST_LINE = 8 * 1024 * 1024
ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")
MOST_PAGES = 20


@dataclass(frozen=True)
class Exchange:
    """One call: JSON in `body`, or a file to `upload`; what comes back is JSON, or goes `into` a file."""

    method: str
    url: str
    headers: tuple[Header, ...] = ()
    timeout_ms: int = 60_000
    body: Any = None
    upload: IO[bytes] | None = None
    into: IO[bytes] | None = None
    query: dict[str, str] = field(default_factory=dict)
    boundary: str = field(default_factory=lambda: uuid.uuid4().hex)


class Exchanges(Calls["Exchange", "dict[str, Any] | CallFailed"]):
    async def ask(self, request: Exchange) -> dict[str, Any] | CallFailed:
        try:
            return await exchange(self.session, request)
        except Exception as error:  # noqa: BLE001  an answer that breaks the client must not be waited for for ever
            return CallFailed(Failure.BROKEN, f"its answer cannot be read ({type(error).__name__})", 0)

    def one(self, request: Exchange) -> dict[str, Any]:
        """Make one call and wait for it. Raises NotDone."""
        key = object()
        self.start(key, request)
        while True:
            for finished, result in self.collect(timeout_s=1.0):
                if finished is not key:
                    continue  # of a call that was given up in between
                if isinstance(result, CallFailed):
                    raise NotDone(result)
                return result


class NotDone(Exception):
    """A call failed; `failure` says how, and so what may be done about it."""

    def __init__(self, failed: CallFailed) -> None:
        super().__init__(failed.detail)
        self.failure = failed.failure
        self.detail = failed.detail


async def exchange(session: aiohttp.ClientSession, request: Exchange) -> dict[str, Any] | CallFailed:
    def failed(failure: Failure, detail: str) -> CallFailed:
        return CallFailed(failure, storable(detail)[:500], 0)

    headers = headers_of(request.headers)
    if isinstance(headers, str):
        return failed(Failure.REJECTED, headers)
    try:
        async with session.request(
            request.method,
            request.url,
            params=request.query,
            headers=headers | form_headers(request),
            timeout=aiohttp.ClientTimeout(total=request.timeout_ms / 1000),
            allow_redirects=False,
            **content_of(request),
        ) as response:
            if request.into is not None and response.status == 200:
                await keep(response, request.into)
                return {}
            content = await read_up_to(LARGEST_REPLY + 1, response)
    except TimeoutError:
        return failed(Failure.BROKEN, f"no answer within {request.timeout_ms} ms")
    except TooLarge:
        return failed(Failure.NONSENSE, f"a file of more than {LARGEST_FILE} bytes")
    except aiohttp.ClientConnectorError as error:
        if isinstance(error.os_error, AddressRefused):
            return failed(Failure.REJECTED, str(error.os_error))
        return failed(Failure.UNREACHABLE, str(error))
    except (aiohttp.ClientError, OSError) as error:
        return failed(Failure.BROKEN, str(error) or type(error).__name__)
    content = without(content, secrets_in(request.headers))
    if response.status == 429:
        return failed(Failure.THROTTLED, "asked to slow down (429)")
    if response.status >= 500:
        alone = response.status in GATEWAY_ALONE
        return failed(Failure.UNREACHABLE if alone else Failure.BROKEN, f"HTTP {response.status}")
    if response.status not in (200, 201):
        beginning = content[:200].decode(errors="replace")
        return failed(Failure.REJECTED, f"HTTP {response.status}: {beginning}")
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return failed(Failure.NONSENSE, f"no JSON object: {content[:120].decode(errors='replace')}")
    return said


def content_of(request: Exchange) -> dict[str, Any]:
    if request.upload is None:
        return {} if request.body is None else {"json": request.body}
    return {"data": parts(request.upload, request.boundary)}


def head_of(boundary: str) -> bytes:
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="batch.jsonl"\r\n'
        "Content-Type: application/jsonl\r\n\r\n"
    ).encode()


def tail_of(boundary: str) -> bytes:
    return f"\r\n--{boundary}--\r\n".encode()


async def parts(file: IO[bytes], boundary: str) -> AsyncIterator[bytes]:
    """A form with a file, piece by piece. The client's own form would close the file, which is not its to close."""
    yield head_of(boundary)
    file.seek(0)
    while piece := file.read(1 << 16):
        yield piece
    yield tail_of(boundary)


def form_headers(request: Exchange) -> dict[str, str]:
    """With its length: not every server takes a body whose end is not told."""
    if request.upload is None:
        return {}
    around = len(head_of(request.boundary)) + len(tail_of(request.boundary))
    return {
        "Content-Type": f"multipart/form-data; boundary={request.boundary}",
        "Content-Length": str(around + request.upload.seek(0, 2)),
    }


class TooLarge(Exception):
    """The other side does not stop."""


async def keep(response: aiohttp.ClientResponse, into: IO[bytes]) -> None:
    size = 0
    async for part in response.content.iter_chunked(1 << 16):
        size += len(part)
        if size > LARGEST_FILE:
            raise TooLarge
        into.write(part)


@dataclass(frozen=True)
class BatchApi:
    """The calls to one endpoint, each of which raises NotDone where it fails."""

    pool: Exchanges
    base_url: str
    headers: tuple[Header, ...]
    timeout_ms: int

    def call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        url = f"{self.base_url.rstrip('/')}/{path}"
        return self.pool.one(Exchange(method, url, headers=self.headers, timeout_ms=self.timeout_ms, **more))

    def upload(self, file: IO[bytes]) -> str:
        return id_of(self.call("POST", "files", upload=file))

    def create(self, file_id: str, *, endpoint: str, window: str, key: str) -> dict[str, Any]:
        body = {
            "input_file_id": file_id,
            "endpoint": endpoint,
            "completion_window": window,
            "metadata": {"evaltrack": key},
        }
        return self.call("POST", "batches", body=body)

    def made_of(self, file_id: str) -> dict[str, Any] | None:
        """The batch that was made of a file, if one was."""
        after = ""
        for _ in range(MOST_PAGES):
            page = self.call("GET", "batches", query={"limit": "100"} | ({"after": after} if after else {}))
            rows = [row for row in page.get("data") or [] if isinstance(row, dict)]
            for row in rows:
                if row.get("input_file_id") == file_id:
                    return row
            if not page.get("has_more") or not rows:
                return None
            after = id_of(rows[-1])
        # Newest first: a batch of a moment ago is not behind so many others.
        return None

    def look(self, remote_id: str) -> dict[str, Any]:
        return self.call("GET", f"batches/{remote_id}")

    def cancel(self, remote_id: str) -> dict[str, Any]:
        return self.call("POST", f"batches/{remote_id}/cancel", body={})

    def download(self, file_id: str) -> IO[bytes]:
        """The file, at its beginning; whoever asked closes it."""
        file = tempfile.TemporaryFile(prefix="evaltrack-batch-")  # noqa: SIM115
        try:
            self.call("GET", f"files/{file_id}/content", into=file)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file

    def rows(self, file: IO[bytes]) -> Iterator[dict[str, Any]]:
        """What `lines` finds in a file that came from there, without the keys that were sent."""
        return lines(file, secrets_in(self.headers))


def id_of(row: dict[str, Any]) -> str:
    """The row's id, if it is such that it can be part of an address."""
    found = row.get("id")
    if not isinstance(found, str) or not ID.fullmatch(found) or ".." in found:
        raise NotDone(CallFailed(Failure.NONSENSE, f"no usable id: {storable(repr(found))[:100]}", 0))
    return found


def lines(file: IO[bytes], secrets: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file, a line each; what is none is left out, as nobody can be asked about it."""
    while raw := file.readline(LONGEST_LINE):
        if not raw.endswith(b"\n") and len(raw) == LONGEST_LINE:
            while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            continue
        try:
            row = json.loads(without(raw, secrets))
        except (ValueError, RecursionError):
            continue
        if isinstance(row, dict):
            yield row
