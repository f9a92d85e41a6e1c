"""Pure: what calls cost. Money is in millionths of a US dollar, always rounded up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from evaltrack.canonical import canonical_json
from evaltrack.integrations.model_api import Answer

MICRO = 1_000_000
# Parameters by which a request limits how much is answered.
LIMITS_OF_OUTPUT = ("max_completion_tokens", "max_tokens", "max_output_tokens")


@dataclass(frozen=True)
class Tariff:
    """A price as a run keeps it: micro-dollars for a million tokens."""

    input_micro: int
    output_micro: int
    cached_input_micro: int | None = None
    most_output_tokens: int | None = None

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self | None:
        return None if kept is None else cls(**kept)

    def cost(self, answer: Answer) -> int | None:
        """What an answer has cost; None where the endpoint does not say how many tokens it took."""
        if answer.input_tokens is None or answer.output_tokens is None:
            return None
        cached = min(answer.cached_tokens or 0, answer.input_tokens)
        cached_micro = self.input_micro if self.cached_input_micro is None else self.cached_input_micro
        return in_micro(
            (answer.input_tokens - cached) * self.input_micro
            + cached * cached_micro
            + answer.output_tokens * self.output_micro
        )

    def most(self, body: Any) -> int:
        """An upper bound of what asking `body` costs: no token is shorter than a byte.

        Raises ValueError where nothing limits the answer.
        """
        answered = self.most_output(body)
        if answered is None:
            raise ValueError("nothing limits how much is answered")
        # Nobody knows before how much of it is in a cache, and there are prices for that above that of input.
        input_micro = max(self.input_micro, self.cached_input_micro or 0)
        return in_micro(len(canonical_json(body)) * input_micro + answered * self.output_micro)

    def most_output(self, body: Any) -> int | None:
        """The most tokens of an answer; None where nothing limits them.

        Of several limits the largest: endpoints differ in which of them they know. One that is no number of tokens
        (-1 is "no limit" to some) leaves only what the model can answer.
        """
        stated = [body[name] for name in LIMITS_OF_OUTPUT if isinstance(body, dict) and name in body]
        given = [value for value in stated if value is not None]
        if given and all(type(value) is int and value > 0 for value in given):
            return max(given)
        return self.most_output_tokens


def in_micro(token_micros: int) -> int:
    return -(-token_micros // MICRO)
