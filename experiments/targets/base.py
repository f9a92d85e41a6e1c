"""Pure: what every target is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evaltrack.integrations.model_api import Answer, Question
from experiments.targets.reading import Reading

VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
MOST_CONCURRENT = 1024
LONGEST_TIMEOUT_MS = 3_600_000
LONGEST_ADDRESS = 500
# How often, and with how many tokens, the target may be asked in a minute, by all workers together.
RATES = ("requests_per_minute", "tokens_per_minute")
MOST_PER_MINUTE = 1_000_000_000
COMMON_FIELDS = frozenset({"kind", "base_url", "api_key_env", "concurrency", "timeout_ms", *RATES})


@dataclass(frozen=True, kw_only=True)
class Target:
    """Somebody who can be asked. `concurrency`: the most calls in flight there, of all workers together.

    Without a `base_url` nobody is asked: the outputs are brought.
    """

    base_url: str
    api_key_env: str = ""
    concurrency: int = 16
    timeout_ms: int = 60_000
    # 0 where the configuration does not say.
    requests_per_minute: int = 0
    tokens_per_minute: int = 0

    # What the record of a run names, where there is such: the model that is asked for, and what is asked of it.
    model: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def is_asked(self) -> bool:
        return bool(self.base_url)

    @property
    def is_batched(self) -> bool:
        """Whether many questions are asked by one file, which is answered later."""
        return False

    @property
    def secrets(self) -> tuple[str, ...]:
        """The variables whose values are sent along."""
        return (self.api_key_env,) if self.api_key_env else ()

    @property
    def reads(self) -> dict[str, str]:
        """What of a reply its answer is made of: who reads it otherwise has another answer to the same request."""
        raise NotImplementedError

    def is_whole(self, answer: Answer) -> bool:
        """Whether an answer is known to have come to its end."""
        return True

    def takes(self, answer: Answer) -> bool:
        """Whether an answer is in the format that was asked for."""
        return True

    def question(self, example_input: Any) -> Question:
        """What to ask about an example. Raises KeyError naming a variable that the example lacks."""
        raise NotImplementedError


def common(reading: Reading, *, also: frozenset[str]) -> dict[str, Any]:
    """The fields that every target has, as keyword arguments; `also` are the fields of this kind alone."""
    target, known = reading.section("target"), COMMON_FIELDS | also
    for name in sorted(set(target) - known):
        reading.wrong(f"target.{name}", f"is unknown; known are {', '.join(sorted(known))}")
    return {
        "base_url": reading.text("target.base_url", longest=LONGEST_ADDRESS),
        "api_key_env": reading.variable("target.api_key_env"),
        "concurrency": reading.whole("target.concurrency", default=16, most=MOST_CONCURRENT),
        "timeout_ms": reading.whole("target.timeout_ms", default=60_000, most=LONGEST_TIMEOUT_MS),
        **{name: reading.whole(f"target.{name}", default=0, most=MOST_PER_MINUTE) for name in RATES},
    }


def variables_of(example_input: Any) -> Mapping[str, Any]:
    return example_input if isinstance(example_input, dict) else {"input": example_input}


def filled(template: str, variables: Mapping[str, Any]) -> str:
    """`template` with each `{{ name }}` replaced. Only names: a template language would run what data says."""
    return VARIABLE.sub(lambda found: str(variables[found[1]]), template)
