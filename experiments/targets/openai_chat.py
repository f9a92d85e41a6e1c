"""Pure: any OpenAI-compatible endpoint, asked for one chat completion per example."""

from dataclasses import dataclass
from typing import Any

from evaltrack.integrations.model_api import Answer, NotAnAnswer, Question, count, storable
from experiments.targets.base import Target, common, filled, variables_of
from experiments.targets.reading import Reading

KIND = "openai_chat"
SET_BY_US = {"model", "messages", "stream", "n"}


@dataclass(frozen=True, kw_only=True)
class ChatTarget(Target):
    system: str = ""
    user: str = "{{ input }}"

    def body(self, example_input: Any) -> dict[str, Any]:
        variables = variables_of(example_input)
        messages = [{"role": "user", "content": filled(self.user, variables)}]
        if self.system:
            messages.insert(0, {"role": "system", "content": filled(self.system, variables)})
        return {"model": self.model, "messages": messages, **self.parameters}

    def question(self, example_input: Any) -> Question:
        return Question(
            url=f"{self.base_url.rstrip('/')}/chat/completions",
            body=self.body(example_input),
            read=answer,
            timeout_ms=self.timeout_ms,
            api_key_env=self.api_key_env,
        )


def read(reading: Reading) -> ChatTarget:
    fields = common(reading, also=frozenset({"model"}))
    parameters = reading.section("parameters")
    for name in sorted(SET_BY_US & set(parameters)):
        reading.wrong(f"parameters.{name}", "is set by evaltrack")
    return ChatTarget(
        **fields,
        model=reading.text("target.model"),
        system=reading.text_or("prompt.system", ""),
        user=reading.text_or("prompt.user", "{{ input }}"),
        parameters=parameters,
    )


def answer(completion: Any) -> Answer:
    """What a chat completion says. Raises NotAnAnswer where it is none."""
    try:
        choice = completion["choices"][0]
        text = choice["message"]["content"]
        usage = completion.get("usage") or {}
        if not isinstance(text, str):
            raise TypeError
        return Answer(
            text=storable(text),
            input_tokens=count(usage.get("prompt_tokens")),
            output_tokens=count(usage.get("completion_tokens")),
            finish_reason=storable(str(choice.get("finish_reason") or ""))[:40],
            model=storable(str(completion.get("model") or ""))[:200],
            fingerprint=storable(str(completion.get("system_fingerprint") or ""))[:200],
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise NotAnAnswer("not a chat completion with choices[0].message.content") from error
