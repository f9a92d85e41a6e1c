"""Pure: what a rubric may ask beyond its question, and whether an answer is complete."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evaltrack.errors import Invalid

# When a rubric wants a reason in words.
ALWAYS, BOTH_BAD, MUCH_BETTER = "always", "both_bad", "much_better"
RATIONALE_RULES = (ALWAYS, BOTH_BAD, MUCH_BETTER)
MOST_CRITERIA = 9  # each has a digit on the keyboard


@dataclass(frozen=True)
class Criterion:
    """A further question, answered like the main one. `anchors` say what its answers mean."""

    id: str
    question: str
    anchors: str = ""


@dataclass(frozen=True)
class WorkedExample:
    """An item with its answer and the reason for it; a counter-example shows what not to do."""

    prompt: str
    responses: tuple[str, str]
    answer: str
    why: str
    is_counter_example: bool = False


@dataclass(frozen=True)
class Details:
    strength: bool = False
    criteria: tuple[Criterion, ...] = ()
    examples: tuple[WorkedExample, ...] = ()
    rationale: tuple[str, ...] = ()


def of(rubric: Any) -> Details:
    """The details of a rubric row, which `parse` has checked when it was made."""
    body = rubric.body
    return Details(
        strength=body.get("strength", False),
        criteria=tuple(Criterion(**each) for each in body.get("criteria", ())),
        examples=tuple(
            WorkedExample(**{**each, "responses": tuple(each["responses"])})
            for each in body.get("examples", ())
        ),
        rationale=tuple(body.get("rationale", ())),
    )


def check(
    details: Details, *, choice: str, strength: int | None, answers: Mapping[str, str], comment: str
) -> None:
    """Raise what is missing or too much in an answer, located."""
    if strength is not None and not details.strength:
        raise wrong("strength", "this rubric asks for none")
    if strength is not None and (strength not in (1, 2) or choice not in ("first", "second")):
        raise wrong("strength", "is 1 or 2, and only where one response is better")
    known = {criterion.id for criterion in details.criteria}
    if unknown := sorted(set(answers) - known):
        raise wrong("answers", f"{unknown[0]!r} is no criterion of this rubric")
    if missing := [criterion for criterion in details.criteria if criterion.id not in answers]:
        raise wrong("answers", f"is missing {missing[0].id!r}: {missing[0].question}")
    if wants_reason(details, choice=choice, strength=strength) and not comment.strip():
        raise wrong("comment", "this rubric asks why for such an answer")


def wants_reason(details: Details, *, choice: str, strength: int | None) -> bool:
    return (
        ALWAYS in details.rationale
        or (BOTH_BAD in details.rationale and choice == "both_bad")
        or (MUCH_BETTER in details.rationale and strength == 2)
    )


def wrong(field: str, sentence: str) -> Invalid:
    return Invalid("incomplete_answer", f"{field.capitalize()}: {sentence}.", {field: [sentence]})
