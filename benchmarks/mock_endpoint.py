"""An OpenAI-compatible endpoint that answers after a fixed time, in a process of its own.

    python -m benchmarks.mock_endpoint --latency-ms 50

prints the port as its first line. It shares the machine with what is measured, so it reads no more of HTTP than
clients write: requests with a length, one after the other on a connection.
"""

import argparse
import asyncio
import json
import re
from functools import partial

REPLY = (
    "Natalia sold 48 clips in April and half as many in May, so 48/2 = 24 clips in May. Altogether she sold "
    "48 + 24 = 72 clips. The rest of this sentence makes the answer about as long as answers are. #### "
)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Conversation(asyncio.Protocol):
    """One connection. The time counts from the last byte of a request to the first of its answer."""

    def __init__(self, latency_s: float) -> None:
        self.latency_s = latency_s
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (body := self.body()) is not None:
            asyncio.get_running_loop().call_later(self.latency_s, self.write, answered(json.loads(body)))

    def body(self) -> bytes | None:
        """That of the next request, when all of it is here."""
        head, blank, rest = self.received.partition(b"\r\n\r\n")
        told = LENGTH.search(head)
        if not blank or told is None or len(rest) < int(told[1]):
            return None
        self.received = rest[int(told[1]) :]
        return rest[: int(told[1])]

    def write(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


def answered(body: dict) -> bytes:
    question = body["messages"][-1]["content"]
    message = {"role": "assistant", "content": REPLY + question.rsplit(" ", 1)[-1]}
    asked = len(question) // 4
    usage = {"prompt_tokens": asked, "completion_tokens": 60, "total_tokens": asked + 60}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    completion = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body["model"], "choices": choices,
        "usage": usage,
    }  # fmt: skip
    content = json.dumps(completion).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=50)
    latency_s = parser.parse_args().latency_ms / 1000
    loop = asyncio.get_running_loop()
    server = await loop.create_server(partial(Conversation, latency_s), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
