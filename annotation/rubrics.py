"""Pure: what a rubric may have beyond its question. What fits which protocol, `annotation.protocols` says."""

from dataclasses import dataclass
from typing import Any

# When a rubric wants a reason in words.
ALWAYS, BOTH_BAD, MUCH_BETTER = "always", "both_bad", "much_better"
RATIONALE_RULES = (ALWAYS, BOTH_BAD, MUCH_BETTER)
# Each has a digit on the keyboard.
MOST_CRITERIA = MOST_REASONS = 9
FEWEST_POINTS, MOST_POINTS = 3, 10
SEVERITIES = ("minor", "major", "critical")


@dataclass(frozen=True)
class Criterion:
    """A further question, answered like the main one. `anchors` say what its answers mean.

    For ratings it has a scale: a text for each point from 1 up, of which those between the ends may be empty.
    """

    id: str
    question: str
    anchors: str = ""
    scale: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reason:
    """Why a span is marked, and how severe that usually is."""

    id: str
    label: str
    severity: str = ""


@dataclass(frozen=True)
class WorkedExample:
    """An item with its answer and the reason for it; a counter-example shows what not to do."""

    prompt: str
    responses: tuple[str, ...]
    answer: str
    why: str
    is_counter_example: bool = False


@dataclass(frozen=True)
class Details:
    strength: bool = False
    scale: tuple[str, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    reasons: tuple[Reason, ...] = ()
    examples: tuple[WorkedExample, ...] = ()
    rationale: tuple[str, ...] = ()


def in_words(rubric: Any) -> str:
    """All that evaluators read of a rubric, as one text: what changed in it is what changed between two of these."""
    details = of(rubric)
    parts = [rubric.question, rubric.guidance, numbered(details.scale)]
    parts += [
        "\n".join(filter(None, (each.question, each.anchors, numbered(each.scale))))
        for each in details.criteria
    ]
    parts += [reason.label for reason in details.reasons]
    parts += [f"{each.prompt}\n{each.answer}: {each.why}" for each in details.examples]
    return "\n\n".join(filter(None, parts)) + "\n"


def numbered(scale: tuple[str, ...]) -> str:
    return "\n".join(f"{point} {anchor}" for point, anchor in enumerate(scale, start=1) if anchor)


def of(rubric: Any) -> Details:
    """The details of a rubric row, which were checked when it was made."""
    body = rubric.body
    return Details(
        strength=body.get("strength", False),
        scale=tuple(body.get("scale", ())),
        criteria=tuple(
            Criterion(**{**each, "scale": tuple(each.get("scale", ()))}) for each in body.get("criteria", ())
        ),
        reasons=tuple(Reason(**each) for each in body.get("reasons", ())),
        examples=tuple(
            WorkedExample(**{**each, "responses": tuple(each["responses"])})
            for each in body.get("examples", ())
        ),
        rationale=tuple(body.get("rationale", ())),
    )
