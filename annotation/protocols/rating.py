"""Pure: how good one response is, on a scale."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from annotation.answers import Answer, Said
from annotation.protocols.rules import Rules, unfit, whole_number, wrong
from annotation.rubrics import Criterion, Details


class Rating(Rules):
    name = "rating"
    headline = "rating"
    fewest = most = 1
    # More than a quarter of the scale apart: 2 points of 5, 3 of 10, and any of 3.
    least_alike = 0.75
    details = frozenset({"scale", "criteria"})
    default_rubric = {
        "name": "helpfulness-rating",
        "question": "How well would this response serve the person who asked?",
        "guidance": (
            "Read the request, then the response. Judge whether it is right and answers what was asked. "
            "A right answer that admits a limit beats a confident wrong one. Length is no merit by itself. "
            "Use the whole scale: the words at its points say what they mean."
        ),
        "scale": ["Not at all", "", "In part", "", "Completely"],
    }

    def check_rubric(self, rubric: Mapping[str, Any]) -> None:
        super().check_rubric(rubric)
        if not rubric.get("scale"):
            raise unfit("scale", "is missing; a rating needs a scale")
        for place, criterion in enumerate(rubric.get("criteria", ())):
            if not criterion.get("scale"):
                raise unfit(f"criteria.{place}.scale", "is missing; each criterion of a rating has a scale")

    def wrong_example_answer(self, rubric: Mapping[str, Any], answer: str) -> str:
        points = len(rubric.get("scale", ()))
        on_scale = answer.isdecimal() and answer.isascii() and 1 <= int(answer) <= points
        return "" if on_scale or not points else f"is a point of the scale, 1 to {points}"

    def said(self, answer: Answer, *, details: Details, places: str, text: Callable[[], str]) -> Said:
        rating = point(answer.rating, details.scale, field="rating")
        answers = {
            criterion.id: point(
                answer.answers[criterion.id], criterion.scale, field="answers", of=criterion.id
            )
            for criterion in details.criteria
            if criterion.id in answer.answers
        }
        return Said(rating=rating, answers=answers)

    def shown(self, judgment: Any) -> dict[str, Any]:
        return {"rating": judgment.rating, "answers": judgment.answers}

    def in_words(self, judgment: Any) -> str:
        return f"Rated {judgment.rating}"

    def alike(self, one: Any, other: Any, details: Details) -> float:
        return nearness(one.rating, other.rating, len(details.scale))

    def alike_on(self, criterion: Criterion, one: Any, other: Any) -> float:
        return nearness(one, other, len(criterion.scale))

    def proved(self, judgment: Any) -> dict[str, Any]:
        return self.shown(judgment)


def point(given: Any, scale: Sequence[str], *, field: str, of: str = "") -> int:
    if whole_number(given) and 1 <= given <= len(scale):
        return given
    sentence = f"is a whole number from 1 to {len(scale)}"
    raise wrong(field, f"{of!r} {sentence}" if of else sentence)


def nearness(one: int, other: int, points: int) -> float:
    """1 for the same point, 0 for the two ends of the scale. A rubric that was revised may have had more points."""
    return max(0.0, 1 - abs(one - other) / max(points - 1, 1))
