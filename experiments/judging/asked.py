"""Pure: what a judge is asked about one answer, ready to be said, and how its reply is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from experiments.judging import prompts, replies
from experiments.judging.material import Part, laid_out, mark_of
from experiments.judging.replies import Reply


@dataclass(frozen=True)
class Said:
    """What a judge is told: how to judge, and the material that it judges."""

    instructions: str
    material: str

    @property
    def variables(self) -> dict[str, str]:
        """As a judge's configuration names them; `input` is both together."""
        return {
            "input": f"{self.instructions}\n\n{self.material}",
            "instructions": self.instructions,
            "material": self.material,
        }


@dataclass(frozen=True)
class Asked:
    """`parts` in each order in which they are shown; `count` items to say true or false of, and `wrong` ones more of
    which nobody needs to be asked."""

    prompt: str
    orders: tuple[tuple[Part, ...], ...]
    read_reply: replies.Reader
    count: int = 0
    wrong: int = 0
    variables: Mapping[str, str | int] = field(default_factory=dict)

    def said(self, call: int) -> Said:
        parts = self.orders[call % len(self.orders)]
        mark = mark_of(parts)
        told = prompts.instructions(self.prompt, {**self.variables, "count": self.count}, mark=mark)
        return Said(told, laid_out(parts, mark))

    def read(self, text: str) -> Reply:
        """Raises NotAReply."""
        return self.read_reply(text)
