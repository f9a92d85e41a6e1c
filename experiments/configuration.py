"""Pure: what a component version's configuration says, and the request it makes of an example.

The shape is part of the HTTP contract: `target` says whom to ask, `prompt` and `parameters` what.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from evaltrack.errors import Invalid

VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
OPENAI_CHAT = "openai_chat"
TARGET_FIELDS = {"kind", "base_url", "model", "api_key_env", "concurrency", "timeout_ms"}
MOST_CONCURRENT = 1024
LONGEST_ADDRESS = 500


@dataclass(frozen=True)
class ChatTarget:
    """An OpenAI-compatible endpoint. `concurrency`: the most calls in flight there, of all workers together."""

    base_url: str
    model: str
    api_key_env: str = ""
    concurrency: int = 16
    timeout_ms: int = 60_000
    system: str = ""
    user: str = "{{ input }}"
    parameters: dict[str, Any] = field(default_factory=dict)

    def body(self, example_input: Any) -> dict[str, Any]:
        """The request body for an example. Raises KeyError naming a variable that the example lacks."""
        variables = example_input if isinstance(example_input, dict) else {"input": example_input}
        messages = [{"role": "user", "content": filled(self.user, variables)}]
        if self.system:
            messages.insert(0, {"role": "system", "content": filled(self.system, variables)})
        return {"model": self.model, "messages": messages, **self.parameters}


def filled(template: str, variables: dict[str, Any]) -> str:
    """`template` with each `{{ name }}` replaced. Only names: a template language would run what data says."""
    return VARIABLE.sub(lambda found: str(variables[found[1]]), template)


def parse(configuration: Any) -> ChatTarget:
    """The target of a configuration; Invalid with one sentence per bad field."""
    problems: dict[str, list[str]] = {}

    def wrong(name: str, sentence: str) -> None:
        problems.setdefault(name, []).append(sentence)

    def section(name: str) -> dict[str, Any]:
        value = configuration.get(name, {}) if isinstance(configuration, dict) else {}
        if not isinstance(value, dict):
            wrong(name, "must be an object")
            return {}
        return value

    if not isinstance(configuration, dict):
        wrong("configuration", "must be an object with target, prompt and parameters")
    target, prompt, parameters = section("target"), section("prompt"), section("parameters")
    if target.get("kind") != OPENAI_CHAT:
        wrong("target.kind", f"must be {OPENAI_CHAT!r}")
    for name in sorted(set(target) - TARGET_FIELDS):
        wrong(f"target.{name}", f"is unknown; known are {', '.join(sorted(TARGET_FIELDS))}")
    for name in ("base_url", "model"):
        if not isinstance(target.get(name), str) or not target.get(name):
            wrong(f"target.{name}", "is missing")
    if len(str(target.get("base_url", ""))) > LONGEST_ADDRESS:
        wrong("target.base_url", f"is longer than {LONGEST_ADDRESS} characters")
    if not isinstance(target.get("api_key_env", ""), str):
        wrong("target.api_key_env", "must be the name of an environment variable")
    for name, most in (("concurrency", MOST_CONCURRENT), ("timeout_ms", 3_600_000)):
        value = target.get(name, 1)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            wrong(f"target.{name}", f"must be a whole number from 1 to {most}")
    for name in ("system", "user"):
        if not isinstance(prompt.get(name, ""), str):
            wrong(f"prompt.{name}", "must be text")
    for name in sorted({"model", "messages", "stream", "n"} & set(parameters)):
        wrong(f"parameters.{name}", "is set by evaltrack")
    if problems:
        name, sentences = next(iter(problems.items()))
        raise Invalid("bad_configuration", f"{name} {sentences[0]}", problems)
    return ChatTarget(
        base_url=target["base_url"],
        model=target["model"],
        api_key_env=target.get("api_key_env", ""),
        concurrency=target.get("concurrency", 16),
        timeout_ms=target.get("timeout_ms", 60_000),
        system=prompt.get("system", ""),
        user=prompt.get("user", "{{ input }}"),
        parameters=parameters,
    )
