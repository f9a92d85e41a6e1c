"""What the clients know: which judgments they have sent, and what they were told about each."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Sent:
    """One judgment. What was sent and not answered may be stored or not; what was answered must be."""

    evaluator: int
    assignment: str
    preference: int | str
    acknowledged: bool = False
    surplus: bool = False
    undo_sent: bool = False
    undo_acknowledged: bool = False


@dataclass
class History:
    judgments: dict[str, Sent] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        return sum(sent.acknowledged for sent in self.judgments.values())

    def answered(self, judgment_id: str, status: int, content: dict[str, Any]) -> None:
        """What one answer to a submit says about the judgment."""
        sent = self.judgments[judgment_id]
        self.answers[f"submit {status} {content.get('code', '')}".strip()] += 1
        if status in (200, 201):
            if content["preference"] != sent.preference:
                self.wrong.append(f"{judgment_id}: sent {sent.preference}, told {content['preference']}")
            if content["state"] == "undone" and not sent.undo_sent:
                self.wrong.append(f"{judgment_id}: undone, and nobody has asked for it")
            # An answer that was on its way when the undo was made tells of the time before.
            sent.acknowledged = True
        elif content.get("code") == "reassigned":
            sent.surplus = True

    def as_json(self) -> dict[str, Any]:
        return {name: asdict(sent) for name, sent in self.judgments.items()}
