"""Expected errors: each says what happened and what to do, and has a code that programs can read.

They are mapped to status codes in `http_errors`, once for pages and once for the API.
"""

from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Refusal:
    """Why somebody may not do something: `code` for programs, `reason` for people."""

    code: str
    reason: str


class ExpectedError(Exception):
    status: ClassVar[int] = 400

    def __init__(self, code: str, reason: str, **extra: Any) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.extra = extra


class Refused(ExpectedError):
    """A rule says no."""

    status = 403


class NotFound(ExpectedError):
    """What is named does not exist, or is none of this person's business."""

    status = 404


class Conflict(ExpectedError):
    """Somebody else was faster, or the same key came with another body."""

    status = 409


class InvalidTransition(Conflict):
    """The state machine has no such edge."""


class Stale(Conflict):
    """What was decided on has changed since it was shown."""


class Gone(ExpectedError):
    """It was here and has been withdrawn."""

    status = 410


class Invalid(ExpectedError):
    """The input cannot be used. `fields` locates what is wrong: field name → sentences."""

    status = 400

    def __init__(self, code: str, reason: str, fields: dict[str, list[str]] | None = None, **extra: Any):
        super().__init__(code, reason, **extra)
        self.fields = fields or {}


class Unavailable(ExpectedError):
    """A part that we depend on does not answer; trying again later can help."""

    status = 503


def refuse_if(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise Refused(refusal.code, refusal.reason)
