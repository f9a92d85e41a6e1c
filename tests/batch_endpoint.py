"""A real endpoint on loopback that takes files and batches as OpenAI's does, and can be told to misbehave.

    with serving_batches() as endpoint:
        ...  # endpoint.base_url, endpoint.batches, endpoint.files

A batch stays `in_progress` until `endpoint.ends(...)`. Answers are those of the factory's sums, each in turn.
"""

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Line = dict[str, Any]


def says(name: str, text: str, **more: Any) -> Line:
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    body = {"model": "mock-1", "choices": [choice], "usage": {"prompt_tokens": 8, "completion_tokens": 1}}
    return {
        "id": "r",
        "custom_id": name,
        "response": {"status_code": 200, "body": body},
        "error": None,
        **more,
    }


def adds(request: Line) -> Line:
    asked = request["body"]["messages"][-1]["content"]
    return says(request["custom_id"], str(int(re.search(r"\d+", asked)[0]) + 1))


def fails(request: Line, status: int) -> Line:
    response = {"status_code": status, "body": {"error": {"message": "no"}}}
    return {"custom_id": request["custom_id"], "response": response, "error": None}


def expired(request: Line) -> Line:
    error = {"code": "batch_expired", "message": "late"}
    return {"custom_id": request["custom_id"], "response": None, "error": error}


class BatchEndpoint:
    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.batches: list[dict[str, Any]] = []
        self.calls: list[tuple[str, str, str]] = []
        # Path beginnings → the status to answer with; and those whose answer gets lost after the deed.
        self.refuses: dict[str, int] = {}
        self.loses: set[str] = set()
        self.lock = threading.Lock()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def requests(self, batch: dict[str, Any]) -> list[Line]:
        return [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]

    def ends(
        self,
        status: str = "completed",
        *,
        answer: Callable[[Line], Line | None] = adds,
        error: Callable[[Line], Line | None] = lambda request: None,
        extra: bytes = b"",
        **fields: Any,
    ) -> None:
        """End each batch that goes on; an `answer` is a line of its output file, an `error` of its error file."""
        with self.lock:
            for batch in self.batches:
                if batch["status"] != "in_progress":
                    continue
                for name, made in (("output_file_id", answer), ("error_file_id", error)):
                    rows = [row for request in self.requests(batch) if (row := made(request)) is not None]
                    content = b"".join(json.dumps(row).encode() + b"\n" for row in reversed(rows)) + extra
                    if content:
                        batch[name] = f"file-{uuid.uuid4().hex}"
                        self.files[batch[name]] = content
                batch.update(status=status, **fields)

    def answer(self, method: str, path: str, query: str, content: bytes, kind: str) -> tuple[int, bytes]:
        if method == "POST" and path == "files":
            boundary = kind.partition("boundary=")[2].strip('"').encode()
            part = next(each for each in content.split(b"--" + boundary) if b'name="file"' in each)
            name = f"file-{uuid.uuid4().hex}"
            self.files[name] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            return 200, json.dumps({"id": name, "purpose": "batch"}).encode()
        if method == "GET" and path.startswith("files/"):
            found = self.files.get(path.split("/")[1])
            return (404, b"{}") if found is None else (200, found)
        if method == "POST" and path == "batches":
            asked = json.loads(content)
            batch = {"id": f"batch_{uuid.uuid4().hex}", "status": "in_progress", **asked}
            self.batches.append(batch)
            return 200, json.dumps(batch).encode()
        if method == "GET" and path == "batches":
            newest = self.batches[::-1]
            after = re.search(r"after=([^&]+)", query)
            if after:
                newest = newest[1 + next(n for n, each in enumerate(newest) if each["id"] == after[1]) :]
            return 200, json.dumps({"data": newest[:3], "has_more": len(newest) > 3}).encode()
        batch = next((each for each in self.batches if each["id"] == path.split("/")[1]), None)
        if batch is None:
            return 404, b'{"error": {"message": "no such batch"}}'
        if path.endswith("/cancel"):
            if batch["status"] != "in_progress":
                return 409, b"{}"
            batch["status"] = "cancelled"
        return 200, json.dumps(batch).encode()


def handler_for(endpoint: BatchEndpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or self.chunks()
            path, _, query = self.path.removeprefix("/v1/").partition("?")
            call = f"{self.command} {path}"
            with endpoint.lock:
                endpoint.calls.append((self.command, path, self.headers.get("Authorization", "")))
                refused = next((s for begins, s in endpoint.refuses.items() if call.startswith(begins)), None)
                if refused is None:
                    kind = self.headers.get("Content-Type", "")
                    status, reply = endpoint.answer(self.command, path, query, content, kind)
                else:
                    status, reply = refused, b'{"error": {"message": "no"}}'
                lost = call in endpoint.loses
                endpoint.loses.discard(call)
            if lost:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def chunks(self) -> bytes:
            """A body that came in pieces."""
            whole = b""
            if self.headers.get("Transfer-Encoding") == "chunked":
                while size := int(self.rfile.readline(), 16):
                    whole += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
            return whole

        do_GET = do_POST = handle_any

        def log_message(self, *words: Any) -> None:
            """Says nothing: the test looks at `calls`."""

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request, client_address) -> None:
        """A client that went away is an everyday thing here."""


@contextmanager
def serving_batches() -> Iterator[BatchEndpoint]:
    endpoint = BatchEndpoint()
    endpoint.server = Server(("127.0.0.1", 0), handler_for(endpoint))
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.02,), name="batch endpoint")
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.server.shutdown()
        endpoint.server.server_close()
        thread.join()
