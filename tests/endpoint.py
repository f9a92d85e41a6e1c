"""A real OpenAI-compatible server on loopback that can be told to misbehave.

    with serve(adds) as endpoint:
        ...  # endpoint.base_url, endpoint.calls, endpoint.most_in_flight

A behaviour is a function from a `Call` to a `Reply`; those below are the ones that endpoints are known for.
"""

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Call:
    """One request. `nth` counts, from 1, how often this model was asked this question."""

    question: str
    model: str
    nth: int
    body: dict[str, Any]
    authorization: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    content: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hangs_up: bool = False
    # Breaks off before all that it announced is there.
    short: bool = False
    # Seconds before the first byte, and between any two.
    hangs_s: float = 0.0
    drip_s: float = 0.0


Behaviour = Callable[[Call], Reply]


def says(text: str, **fields: Any) -> Reply:
    """A chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 8, "completion_tokens": len(text.split())}
    body = {"object": "chat.completion", "model": "mock-1", "choices": [choice], "usage": usage, **fields}
    return Reply(json.dumps(body).encode())


HANGS_UP = Reply(b"", hangs_up=True)


def adds(call: Call) -> Reply:
    """Answers "What is 4 plus 1?" rightly."""
    return says(str(int(re.search(r"\d+", call.question)[0]) + 1))


def wrong_on(model: str, *numbers: int) -> Behaviour:
    """Right, except for one model on some questions."""

    def behave(call: Call) -> Reply:
        return says("I do not know") if call.model == model and asked(call) in numbers else adds(call)

    return behave


def asked(call: Call) -> int:
    """Which of the factory's sums was asked: its first number."""
    return int(re.search(r"\d+", call.question)[0])


def fails(status: int, *, on: set[int], times: int = 10**9, **headers: str) -> Behaviour:
    """`status` for the first `times` calls on each question in `on`; otherwise right."""

    def behave(call: Call) -> Reply:
        if asked(call) in on and call.nth <= times:
            return Reply(b'{"error": {"message": "no"}}', status, headers)
        return adds(call)

    return behave


def always(reply: Reply) -> Behaviour:
    return lambda call: reply


class Endpoint:
    """A server on one port, which it keeps when it goes down and comes up again."""

    def __init__(self, behaviour: Behaviour, *, latency_s: float = 0.0) -> None:
        self.behaviour = behaviour
        self.latency_s = latency_s
        self.calls: list[Call] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.lock = threading.Lock()
        self.port = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked_by(self) -> Counter[str]:
        return Counter(call.model for call in self.calls)

    def up(self) -> None:
        self.server = Server(("127.0.0.1", self.port), handler_for(self))
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), name="endpoint")
        self.thread.start()

    def down(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def answer(self, body: dict[str, Any], path: str, headers: dict[str, str]) -> Reply:
        # A service that is no chat is asked by whatever its body says.
        chats = "messages" in body
        question = body["messages"][-1]["content"] if chats else json.dumps(body)
        model = body["model"] if chats else ""
        with self.lock:
            nth = 1 + sum((call.question, call.model) == (question, model) for call in self.calls)
            call = Call(question, model, nth, body, headers.get("Authorization", ""), path, headers)
            self.calls.append(call)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            time.sleep(self.latency_s)
            return self.behaviour(call)
        finally:
            # Before the reply is sent: its reader may ask again sooner than this thread goes on.
            with self.lock:
                self.in_flight -= 1


class Server(ThreadingHTTPServer):
    daemon_threads = False  # going down waits for the calls in flight, so that no thread outlives its test
    request_queue_size = 256

    def handle_error(self, request, client_address) -> None:
        """A client that went away is an everyday thing here."""


def handler_for(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            reply = endpoint.answer(json.loads(content), self.path, dict(self.headers.items()))
            time.sleep(reply.hangs_s)
            if reply.hangs_up:
                # Lingering for zero seconds turns the close into a reset.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.content) + 100 * reply.short))
            self.end_headers()
            with contextlib.suppress(OSError):  # whoever asked may not have waited
                for start in range(0, len(reply.content), 1 if reply.drip_s else len(reply.content)):
                    time.sleep(reply.drip_s)
                    self.wfile.write(reply.content[start : start + 1] if reply.drip_s else reply.content)
            if reply.short:
                self.close_connection = True

        def log_message(self, *words: Any) -> None:
            """Says nothing: the test looks at `calls`."""

    return Handler


@contextmanager
def serve(behaviour: Behaviour, *, latency_s: float = 0.0) -> Iterator[Endpoint]:
    endpoint = Endpoint(behaviour, latency_s=latency_s)
    endpoint.up()
    try:
        yield endpoint
    finally:
        endpoint.down()
