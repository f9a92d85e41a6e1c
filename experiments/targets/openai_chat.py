"""Pure: any OpenAI-compatible endpoint, asked for one chat completion per example."""

import contextlib
import json
from dataclasses import dataclass
from typing import Any

from evaltrack.canonical import canonical_json
from evaltrack.integrations.model_api import Answer, NotAnAnswer, Question, count, storable
from experiments.targets.base import Target, common, filled, variables_of
from experiments.targets.reading import Reading

KIND = "openai_chat"
SET_BY_US = {"model", "messages", "stream", "n"}
# Reasons to finish by which services say that an answer has come to its end.
WHOLE = frozenset({"stop", "tool_calls", "function_call", "end_turn", "stop_sequence", "eos", "eos_token"})
# Whatever else stands among the parameters is sent as it is, and the endpoint knows it or says no.
SHAPES = {"tools": list, "response_format": dict}


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

    @property
    def reads(self) -> dict[str, str]:
        return {"kind": KIND}

    def is_whole(self, answer: Answer) -> bool:
        """By a reason to finish that is known; services have many words for an answer that was cut."""
        return answer.finish_reason.lower() in WHOLE

    def takes(self, answer: Answer) -> bool:
        """Where JSON was asked for, JSON came. Whether it fits its schema is a metric's matter."""
        wanted = self.parameters.get("response_format")
        if not isinstance(wanted, dict) or wanted.get("type") not in {"json_object", "json_schema"}:
            return True
        try:
            json.loads(answer.text)
        except (ValueError, RecursionError):
            return False
        return True

    def question(self, example_input: Any) -> Question:
        return Question(
            url=f"{self.base_url.rstrip('/')}/chat/completions",
            body=self.body(example_input),
            read=answer,
            timeout_ms=self.timeout_ms,
            api_key_env=self.api_key_env,
        )


def read(reading: Reading, *, also: frozenset[str] = frozenset()) -> ChatTarget:
    """`also` are the fields that another kind has besides."""
    fields = common(reading, also=also | {"model"})
    parameters = reading.section("parameters")
    for name in sorted(SET_BY_US & set(parameters)):
        reading.wrong(f"parameters.{name}", "is set by evaltrack")
    for name, sort in SHAPES.items():
        if name in parameters and not isinstance(parameters[name], sort):
            reading.wrong(f"parameters.{name}", "must be a list" if sort is list else "must be an object")
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
        usage = completion.get("usage") or {}
        text, refused = said(choice["message"])
        finish_reason = "refusal" if refused else str(choice.get("finish_reason") or "")
        return Answer(
            text=storable(text),
            input_tokens=count(usage.get("prompt_tokens")),
            output_tokens=count(usage.get("completion_tokens")),
            cached_tokens=count((usage.get("prompt_tokens_details") or {}).get("cached_tokens")),
            finish_reason=storable(finish_reason)[:40],
            model=storable(str(completion.get("model") or ""))[:200],
            fingerprint=storable(str(completion.get("system_fingerprint") or ""))[:200],
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise NotAnAnswer("not a chat completion with choices[0].message.content") from error


def said(message: dict[str, Any]) -> tuple[str, bool]:
    """The text of a message, and whether it is a refusal. Raises TypeError where there is none.

    Content comes first; without any, the tools that it calls, else the refusal.
    """
    content, calls, refusal = (message.get(name) for name in ("content", "tool_calls", "refusal"))
    if isinstance(content, str) and (content or not calls):
        return (content, False) if content or not isinstance(refusal, str) else (refusal, True)
    if isinstance(calls, list) and calls:
        return canonical_json([called(call) for call in calls]).decode(), False
    if isinstance(refusal, str):
        return refusal, True
    raise TypeError


def called(call: dict[str, Any]) -> dict[str, Any]:
    """A call of a function by name and arguments; of another tool, all but the id that is drawn anew each time."""
    function = call.get("function")
    if not isinstance(function, dict):
        return {name: value for name, value in call.items() if name not in {"id", "index"}}
    arguments = function.get("arguments")
    # Broken ones stay as the model wrote them: they are a finding, not a failure of the call.
    with contextlib.suppress(ValueError):
        arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    return {"name": function["name"], "arguments": arguments}
