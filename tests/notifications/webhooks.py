"""A real server on loopback that takes webhooks, or misbehaves as those are known to.

    with receiving(takes) as receiver:
        ...  # receiver.address, receiver.calls

A behaviour is a function from a `Call` to a `Reply`.
"""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Call:
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass(frozen=True)
class Reply:
    status: int = 200
    content: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    after_s: float = 0.0
    drips_for_s: float = 0.0
    hangs_up: bool = False


Behaviour = Callable[[Call], Reply]


def takes(call: Call) -> Reply:
    return Reply()


def answers(status: int, content: bytes = b"", **headers: str) -> Behaviour:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda call: Reply(status, content, named)


def hangs_up(call: Call) -> Reply:
    return Reply(hangs_up=True)


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One after the other; the last one for ever."""
    left = list(behaviours)
    lock = threading.Lock()

    def behave(call: Call) -> Reply:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        return now(call)

    return behave


class Receiver:
    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.calls: list[Call] = []
        self.over = threading.Event()

    def up(self) -> None:
        self.server = Server(("127.0.0.1", 0), handler_for(self))
        self.port = self.server.server_port
        self.address = f"http://127.0.0.1:{self.port}/hooks/T0/B0secret"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), name="receiver")
        self.thread.start()

    def down(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 256

    def handle_error(self, request, client_address) -> None:
        """A client that went away is an everyday thing here."""


def handler_for(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            call = Call(self.path, dict(self.headers.items()), content)
            receiver.calls.append(call)
            reply = receiver.behaviour(call)
            receiver.over.wait(reply.after_s)
            if reply.hangs_up:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.drips_for_s:
                self.end_headers()
                until = time.monotonic() + reply.drips_for_s
                while time.monotonic() < until and not receiver.over.wait(0.05):
                    self.wfile.write(b"x")
                    self.wfile.flush()
                return
            self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def do_GET(self) -> None:
            """Where a redirect would lead to."""
            receiver.calls.append(Call(self.path, dict(self.headers.items()), b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words) -> None:
            """Says nothing: the test looks at `calls`."""

    return Handler


@contextmanager
def receiving(behaviour: Behaviour = takes) -> Iterator[Receiver]:
    receiver = Receiver(behaviour)
    receiver.up()
    try:
        yield receiver
    finally:
        receiver.down()
