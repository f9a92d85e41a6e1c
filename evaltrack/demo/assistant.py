"""The help assistant of Fernweg Outfitters, an invented shop, behind an OpenAI-compatible HTTP interface.

``python -m evaltrack.demo.assistant --port 0`` serves on a free port of this machine alone. The name of the
model in a request chooses one of CONFIGURATIONS; everything else is computed from the shop's articles.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import re
import signal
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from evaltrack.demo import retrieval
from evaltrack.demo.retrieval import CONTENT, Answer, Article, Configuration, Index, load_articles

HOST = "127.0.0.1"
# A question the size of a book would hold up everybody else's, as all are answered in one thread.
MAX_BODY = 128 * 1024
TOKEN = re.compile(r"\w+|[^\w\s]")

CONFIGURATIONS = {
    configuration.name: configuration
    for configuration in (
        Configuration(
            name="faq-rag-tfidf", component="customer-faq", version="v1.1.3", threshold=0.15, stop_words=True
        ),
        Configuration(
            name="faq-rag-hybrid",
            component="customer-faq",
            version="v1.2.0",
            threshold=0.22,
            char_weight=0.4,
            sublinear=True,
            title_weight=2,
            stop_words=True,
            synonyms=True,
            articles=3,
            sentences=3,
            rerank=True,
        ),
        Configuration(
            name="finder-short",
            component="store-finder",
            version="v0.4.0",
            threshold=0.15,
            stop_words=True,
            sentences=1,
            citation="(see {id})",
        ),
        Configuration(
            name="finder-cited",
            component="store-finder",
            version="v0.5.0",
            threshold=0.22,
            stop_words=True,
            sentences=2,
        ),
    )
}


class Assistant:
    """Answers questions in any of its configurations. All indexes are built once, when it is created."""

    def __init__(
        self,
        articles: list[Article] | None = None,
        configurations: dict[str, Configuration] = CONFIGURATIONS,
    ) -> None:
        known = load_articles() if articles is None else articles
        self.configurations = configurations
        self._indexes = {name: Index(known, c) for name, c in configurations.items()}
        self._fingerprints = {name: fingerprint(known, c) for name, c in configurations.items()}

    def answer(self, question: str, configuration: str) -> Answer:
        """The answer to a question in the configuration of that name; KeyError if there is none."""
        return self._indexes[configuration].answer(question)

    def fingerprint(self, configuration: str) -> str:
        """A name for everything that decides the answers of a configuration."""
        return self._fingerprints[configuration]


def fingerprint(articles: list[Article], configuration: Configuration) -> str:
    """Changes whenever an article, the configuration or the retrieval code changes."""
    code = Path(retrieval.__file__).read_bytes()
    digest = hashlib.sha256(repr((articles, configuration)).encode() + code)
    return f"fp_{digest.hexdigest()[:12]}"


def count_tokens(text: str) -> int:
    """How many tokens a text has: each run of letters and digits is one, and so is each other sign."""
    return sum(1 for _ in TOKEN.finditer(text))


def truncate(text: str, limit: int) -> tuple[str, bool]:
    """The text up to and including its token number ``limit``, and whether anything was cut off."""
    for number, match in enumerate(TOKEN.finditer(text)):
        if number == limit:
            return text[: match.start()].rstrip(), True
    return text, False


class RequestError(Exception):
    """A request that cannot be served, in the words and codes of OpenAI's error shape."""

    def __init__(
        self, message: str, *, status: int = 400, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.param, self.code = message, status, param, code


def error_response(error: RequestError) -> web.Response:
    """The answer to a request that cannot be served."""
    kind = "invalid_request_error" if error.status < 500 else "server_error"
    body = {"message": error.message, "type": kind, "param": error.param, "code": error.code}
    return web.json_response({"error": body}, status=error.status)


def message_text(message: object) -> str:
    """The text of a message, whose content is a string or a list of text parts."""
    if not isinstance(message, dict) or not isinstance(message.get("role"), str):
        raise RequestError("Each message needs a role.", param="messages")
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else None for part in content]
        if all(isinstance(text, str) for text in texts):
            return "\n".join(str(text) for text in texts)
    raise RequestError("The content of a message must be text.", param="messages")


def token_limit(body: dict[str, Any]) -> int | None:
    """The longest answer the request allows, in tokens; None if it sets no limit."""
    for name in ("max_completion_tokens", "max_tokens"):
        limit = body.get(name)
        if limit is None:
            continue
        # A boolean is an int in Python, yet no client means a length by it.
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
            raise RequestError(f"{name} must be a positive integer.", param=name)
        return limit
    return None


def complete(assistant: Assistant, body: object) -> dict[str, Any]:
    """The chat completion for a request body. The last message of the user is the question."""
    if not isinstance(body, dict):
        raise RequestError("The request body must be a JSON object.")
    model, messages = body.get("model"), body.get("messages")
    if not isinstance(model, str):
        raise RequestError("model is missing.", param="model")
    if model not in assistant.configurations:
        raise RequestError(
            f"The model '{model}' does not exist.", status=404, param="model", code="model_not_found"
        )
    if not isinstance(messages, list) or not messages:
        raise RequestError("messages must be a list with at least one message.", param="messages")
    texts = [message_text(message) for message in messages]
    questions = [text for text, m in zip(texts, messages, strict=True) if m["role"] == "user"]
    if not questions:
        raise RequestError("There is no message of the user.", param="messages")
    if body.get("stream"):
        raise RequestError("Streaming is not supported.", param="stream")
    limit = token_limit(body)
    text, cut = assistant.answer(questions[-1], model).text, False
    if limit is not None:
        text, cut = truncate(text, limit)
    prompt_tokens, completion_tokens = sum(map(count_tokens, texts)), count_tokens(text)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": assistant.fingerprint(model),
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text},
                "finish_reason": "length" if cut else "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


@web.middleware
async def openai_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Puts every refusal, aiohttp's own included, into OpenAI's error shape."""
    try:
        return await handler(request)
    except RequestError as error:
        return error_response(error)
    except web.HTTPException as error:
        return error_response(RequestError(error.reason, status=error.status))


def build_app(assistant: Assistant) -> web.Application:
    """The web application. An answer takes a few milliseconds, too little to leave the event loop for."""
    created = int(time.time())

    async def chat(request: web.Request) -> web.Response:
        raw = await request.read()
        try:
            body = json.loads(raw)
        # RecursionError: nesting deeper than the parser goes is a broken body like any other.
        except (ValueError, RecursionError):
            raise RequestError("The request body is not valid JSON.") from None
        return web.json_response(complete(assistant, body))

    async def models(_: web.Request) -> web.Response:
        data = [
            {"id": name, "object": "model", "created": created, "owned_by": "fernweg-outfitters"}
            for name in assistant.configurations
        ]
        return web.json_response({"object": "list", "data": data})

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    app = web.Application(middlewares=[openai_errors], client_max_size=MAX_BODY)
    app.router.add_post("/v1/chat/completions", chat)
    app.router.add_get("/v1/models", models)
    app.router.add_get("/health", health)
    return app


async def serve(port: int, port_file: Path | None) -> None:
    """Serves until SIGTERM or SIGINT. Requests under way are answered first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(build_app(Assistant()), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        bound = int(runner.addresses[0][1])
        if port_file is not None:
            # By rename, so that a reader never sees an empty or half-written file.
            draft = port_file.with_name(f"{port_file.name}.{os.getpid()}.part")
            draft.write_text(f"{bound}\n", encoding="ascii")
            draft.replace(port_file)
        sys.stdout.write(f"listening on http://{HOST}:{bound}/v1\n")
        sys.stdout.flush()
        await stop.wait()
    finally:
        await runner.cleanup()


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m evaltrack.demo.assistant", description=serve.__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--port-file", type=Path, help="a file to write the port to")
    options = parser.parse_args(arguments)
    if not CONTENT.is_dir():
        parser.error(f"the shop's articles are missing: {CONTENT}")
    try:
        asyncio.run(serve(options.port, options.port_file))
    except OSError as error:
        sys.stderr.write(f"cannot serve on {HOST}:{options.port}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
