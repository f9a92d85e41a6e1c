"""Pure: the questions of a chat endpoint, asked as one file that it answers when it has time, at a lower price."""

from dataclasses import dataclass
from typing import Any

from experiments.targets import openai_chat
from experiments.targets.openai_chat import ChatTarget
from experiments.targets.reading import Reading

KIND = "batch"
# What a line of the file asks for, whatever the server's own path in front of it.
ENDPOINT = "/v1/chat/completions"
WINDOW = "24h"


@dataclass(frozen=True, kw_only=True)
class BatchTarget(ChatTarget):
    completion_window: str = WINDOW

    @property
    def is_batched(self) -> bool:
        return True

    def line(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """One request of the file; the answer to it has the same `name`."""
        return {"custom_id": name, "method": "POST", "url": ENDPOINT, "body": body}


def read(reading: Reading) -> BatchTarget:
    chat = openai_chat.read(reading, also=frozenset({"completion_window"}))
    window = reading.text_or("target.completion_window", WINDOW)
    if not window or len(window) > 20:
        reading.wrong("target.completion_window", 'must be a time as the endpoint writes it, such as "24h"')
    return BatchTarget(**vars(chat), completion_window=window)
