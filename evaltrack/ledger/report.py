"""What a verification found, in words. Pure."""

from dataclasses import dataclass, field
from typing import Any

from evaltrack.ledger import merkle


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `code` for programs, `sentence` for people, `index` if it is an entry."""

    code: str
    sentence: str
    index: int | None = None


@dataclass
class Report:
    size: int = 0
    root: bytes = merkle.EMPTY_ROOT
    findings: list[Finding] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    # The roots at the sizes that somebody signed, of the history as it is now.
    roots: dict[int, bytes] = field(default_factory=dict)
    statements_kept: int = 0
    statements_erased: int = 0

    @property
    def ok(self) -> bool:
        return not self.findings

    def find(self, code: str, sentence: str, index: int | None = None) -> None:
        self.findings.append(Finding(code, sentence, index))

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "size": self.size,
            "root": self.root.hex(),
            "checked": self.checked,
            "findings": [vars(finding) for finding in self.findings],
        }
