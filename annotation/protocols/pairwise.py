"""Pure: which of two responses is better."""

from collections.abc import Callable, Mapping
from typing import Any

from annotation.answers import Answer, Said
from annotation.blinding.sides import ordinal_at, place_of
from annotation.protocols.rules import Rules, wrong
from annotation.rubrics import ALWAYS, BOTH_BAD, MUCH_BETTER, Details
from evaltrack.errors import Invalid

RESPONSES = ("first", "second")
NEITHER = ("tie", "both_bad")


class Pairwise(Rules):
    name = "pairwise"
    headline = "preference"
    fewest = most = 2
    details = frozenset({"strength", "criteria"})
    reason_rules = (ALWAYS, BOTH_BAD, MUCH_BETTER)
    default_rubric = {
        "name": "helpfulness",
        "question": "Which response would serve the person who asked better?",
        "guidance": (
            "Read the request, then both responses. Prefer the response that is right and answers what was asked. "
            "A right answer that admits a limit beats a confident wrong one. Length is no merit by itself. "
            "Choose tie when both serve equally well, and both bad when neither would help."
        ),
    }

    def wrong_example_answer(self, rubric: Mapping[str, Any], answer: str) -> str:
        return "" if answer in ("1", "2", *NEITHER) else "is 1, 2, tie or both_bad"

    def said(self, answer: Answer, *, details: Details, places: str, text: Callable[[], str]) -> Said:
        choice = chosen(answer.preference, places)
        if answer.strength is not None and (answer.strength not in (1, 2) or choice not in RESPONSES):
            raise wrong("strength", "is 1 or 2, and only where one response is better")
        answers = {name: chosen(given, places) for name, given in answer.answers.items()}
        return Said(choice=choice, strength=answer.strength, answers=answers)

    def wants_reason(self, said: Said, details: Details) -> bool:
        return (
            super().wants_reason(said, details)
            or (BOTH_BAD in details.rationale and said.choice == "both_bad")
            or (MUCH_BETTER in details.rationale and said.strength == 2)
        )

    def shown(self, judgment: Any) -> dict[str, Any]:
        return {
            "preference": as_shown(judgment.choice, judgment.places),
            "strength": judgment.strength,
            "answers": {name: as_shown(choice, judgment.places) for name, choice in judgment.answers.items()},
        }

    def in_words(self, judgment: Any) -> str:
        return in_words(as_shown(judgment.choice, judgment.places))

    def alike(self, one: Any, other: Any, details: Details) -> float:
        """The choice, and not how much better; as in preference kappa, "both bad" is no tie."""
        return float(one.choice == other.choice)

    def proved(self, judgment: Any) -> dict[str, Any]:
        return {
            "choice": judgment.choice,
            "strength": judgment.strength,
            "answers": judgment.answers,
            "first_on_slot_1": place_of(0, judgment.places) == 1,
        }


def chosen(preference: Any, places: str) -> str:
    """The response that stood in the chosen place."""
    if preference in (1, 2, "1", "2") and not isinstance(preference, bool):
        return RESPONSES[ordinal_at(int(preference), places)]
    if preference in NEITHER:
        return preference
    raise Invalid(
        "bad_preference",
        'Choose 1, 2, "tie" or "both_bad".',
        {"preference": ['must be 1, 2, "tie" or "both_bad"']},
    )


def as_shown(choice: str, places: str) -> int | str:
    """The inverse of `chosen`: where the response stood that a choice names."""
    return place_of(RESPONSES.index(choice), places) if choice in RESPONSES else choice


def in_words(place: int | str) -> str:
    return {"tie": "Tie", "both_bad": "Both bad"}.get(str(place), f"Response {place} is better")
