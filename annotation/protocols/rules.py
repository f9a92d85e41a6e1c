"""Pure: what every protocol settles: how many responses, which rubric, and what an answer to it is."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from annotation.answers import Answer, Said
from annotation.rubrics import ALWAYS, Criterion, Details
from evaltrack.errors import Invalid

HEADLINES = ("preference", "rating", "ranking", "spans")
COUNTS = {1: "one", 2: "two"}


def wrong(field: str, sentence: str) -> Invalid:
    """What is missing or too much in an answer, located."""
    return Invalid("incomplete_answer", f"{field.capitalize()}: {sentence}.", {field: [sentence]})


def unfit(field: str, sentence: str) -> Invalid:
    """What keeps a rubric from being one of its protocol, located."""
    return Invalid("bad_rubric", f"The rubric's {field}: {sentence}.", {f"rubric.{field}": [sentence]})


def whole_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class Rules(ABC):
    """One protocol."""

    name: ClassVar[str]
    # The field of an answer that holds its main part.
    headline: ClassVar[str]
    # How many responses a task has.
    fewest: ClassVar[int]
    most: ClassVar[int]
    # Whether a response may be a conversation.
    takes_chats: ClassVar[bool] = True
    # What a rubric may have beyond question, guidance, examples and the rule "always" for reasons.
    details: ClassVar[frozenset[str]] = frozenset()
    reason_rules: ClassVar[tuple[str, ...]] = (ALWAYS,)
    default_rubric: ClassVar[Mapping[str, Any]]
    # Two answers that are less alike contradict each other.
    least_alike: ClassVar[float] = 1.0

    def responses_wanted(self) -> str:
        if self.fewest == self.most:
            return COUNTS[self.most]
        return f"{self.fewest} to {self.most}"

    # ── Its rubric ───────────────────────────────────────────────────────────────────────────────────

    def check_rubric(self, rubric: Mapping[str, Any]) -> None:
        """Raise what does not fit the protocol in a rubric whose shape is right."""
        for detail in ("strength", "scale", "criteria", "reasons"):
            if rubric.get(detail) and detail not in self.details:
                raise unfit(detail, f"is not for the protocol {self.name}; leave it out")
        for place, rule in enumerate(rubric.get("rationale", ())):
            if rule not in self.reason_rules:
                known = ", ".join(self.reason_rules)
                raise unfit(f"rationale.{place}", f"for the protocol {self.name} it is one of {known}")
        for place, example in enumerate(rubric.get("examples", ())):
            if not self.fewest <= len(example["responses"]) <= self.most:
                sentence = f"are {self.responses_wanted()} for the protocol {self.name}"
                raise unfit(f"examples.{place}.responses", sentence)
            if sentence := self.wrong_example_answer(rubric, example["answer"]):
                raise unfit(f"examples.{place}.answer", sentence)

    def wrong_example_answer(self, rubric: Mapping[str, Any], answer: str) -> str:
        return ""

    # ── An answer ────────────────────────────────────────────────────────────────────────────────────

    def checked(self, answer: Answer, *, details: Details, places: str, text: Callable[[], str]) -> Said:
        """The answer in terms of responses, or what is wrong with it, located.

        `places` says which response stands where; `text` reads the only response of a task that has one.
        """
        for field in HEADLINES:
            if field != self.headline and getattr(answer, field) is not None:
                raise wrong(field, f"is not asked here; this campaign's protocol is {self.name}")
        if answer.strength is not None and not details.strength:
            raise wrong("strength", "this rubric asks for none")
        known = {criterion.id for criterion in details.criteria}
        if unknown := sorted(set(answer.answers) - known):
            raise wrong("answers", f"{unknown[0]!r} is no criterion of this rubric")
        said = self.said(answer, details=details, places=places, text=text)
        if missing := [criterion for criterion in details.criteria if criterion.id not in answer.answers]:
            raise wrong("answers", f"is missing {missing[0].id!r}: {missing[0].question}")
        if self.wants_reason(said, details) and not answer.comment.strip():
            raise wrong("comment", "this rubric asks why for such an answer")
        return said

    @abstractmethod
    def said(self, answer: Answer, *, details: Details, places: str, text: Callable[[], str]) -> Said: ...

    def wants_reason(self, said: Said, details: Details) -> bool:
        return ALWAYS in details.rationale

    @abstractmethod
    def shown(self, judgment: Any) -> dict[str, Any]:
        """The inverse of `said`: what was answered, in terms of places."""

    @abstractmethod
    def in_words(self, judgment: Any) -> str:
        """What was answered, in terms of places, for whoever gave it."""

    # ── Two answers ──────────────────────────────────────────────────────────────────────────────────

    @abstractmethod
    def alike(self, one: Any, other: Any, details: Details) -> float:
        """How far two answers about the same responses say the same, from 0 to 1. Judgments, or what is `Said`."""

    def contradict(self, one: Any, other: Any, details: Details) -> bool:
        return self.alike(one, other, details) < self.least_alike

    def alike_on(self, criterion: Criterion, one: Any, other: Any) -> float:
        """The same for two answers to a criterion."""
        return float(one == other)

    @abstractmethod
    def proved(self, judgment: Any) -> dict[str, Any]:
        """What the ledger's root proves of a judgment, in terms of responses."""
