"""Pure: what a file holds that is no judgment, counted by why."""

from collections import Counter
from dataclasses import dataclass, field

# A file can name any number of controls.
MOST_KINDS = 30


@dataclass
class LeftOut:
    """`judgments` are some that people did not give, or took back; `others` are none, such as predictions."""

    judgments: Counter[str] = field(default_factory=Counter)
    others: Counter[str] = field(default_factory=Counter)

    def leave(self, why: str, count: int = 1) -> None:
        if count:
            self.judgments[why] += count

    def pass_over(self, what: str, count: int = 1) -> None:
        if count:
            known = what in self.others or len(self.others) < MOST_KINDS
            self.others[what if known else "answers to further questions"] += count

    @property
    def count(self) -> int:
        return self.judgments.total()

    def as_json(self) -> dict[str, int]:
        return dict(self.judgments) | dict(self.others)

    def in_words(self) -> str:
        return ", ".join(f"{count} {what}" for what, count in sorted(self.as_json().items()))
