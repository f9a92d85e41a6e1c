"""An OpenAI-compatible endpoint that answers after a fixed time, in a process of its own.

    python -m benchmarks.mock_endpoint --latency-ms 50

prints the port as its first line.
"""

import argparse
import asyncio
import json
import logging

from aiohttp import web

REPLY = (
    "Natalia sold 48 clips in April and half as many in May, so 48/2 = 24 clips in May. Altogether she sold "
    "48 + 24 = 72 clips. The rest of this sentence makes the answer about as long as answers are. #### "
)


def app(latency_s: float) -> web.Application:
    async def complete(request: web.Request) -> web.Response:
        body = await request.json()
        question = body["messages"][-1]["content"]
        await asyncio.sleep(latency_s)
        message = {"role": "assistant", "content": REPLY + question.rsplit(" ", 1)[-1]}
        usage = {"prompt_tokens": len(question) // 4, "completion_tokens": 60}
        choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
        answer = {"object": "chat.completion", "model": body["model"], "choices": choices, "usage": usage}
        return web.Response(body=json.dumps(answer).encode(), content_type="application/json")

    application = web.Application()
    application.router.add_post("/v1/chat/completions", complete)
    return application


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=float, default=50)
    given = parser.parse_args()
    runner = web.AppRunner(app(given.latency_ms / 1000), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2048)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    # Clients that go away in the middle are theirs to tell of.
    logging.disable(logging.CRITICAL)
    asyncio.run(main())
