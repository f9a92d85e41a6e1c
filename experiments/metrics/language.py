"""Pure: in which language an answer is written.

py3langid looks at bytes and holds its model in the package: nothing is fetched, and it is the same on every machine.
"""

from functools import cache
from typing import Any

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Answered, Direction, Kind, Metric, Parameter, Value
from experiments.metrics.text import kept, without_markers

# The beginning is enough to tell, and less than this many letters are not.
MOST_CHARACTERS = 150
FEWEST_LETTERS = 20
SURE = 0.5

NOT_SET = Undefined("neither the policy nor the reference names a language that is known")
UNSURE = Undefined("the answer is too short, or too mixed, to tell its language")


@cache
def identifier() -> LanguageIdentifier:
    """Read where it is needed first: 5 MB that most processes never look at."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def primary(tag: Any) -> str | None:
    """The language of a tag such as de-CH, where it is one that can be told."""
    if not isinstance(tag, str):
        return None
    language = tag.strip().split("-")[0].lower()
    return language if language in identifier().nb_classes else None


@kept
def language_of(text: str) -> str:
    """The most probable language as an ISO 639 code; empty where none is more probable than the others together."""
    beginning = without_markers(text[: 2 * MOST_CHARACTERS])[:MOST_CHARACTERS]
    # Most texts have them within their first words.
    if letters(beginning[: 2 * FEWEST_LETTERS]) < FEWEST_LETTERS and letters(beginning) < FEWEST_LETTERS:
        return ""
    found, probability = identifier().classify(beginning.encode("utf-8", "replace"))
    return found if probability > SURE else ""


def letters(text: str) -> int:
    return sum(map(str.isalpha, text))


def in_language(answered: Answered) -> Value:
    named = answered.expected.get("language") if isinstance(answered.expected, dict) else None
    wanted = primary(named if named is not None else answered.parameters.get("language"))
    if wanted is None:
        return NOT_SET
    found = language_of(answered.said)
    return float(found == wanted) if found or not answered.said else UNSURE


METRICS = [
    Metric(
        "in_language",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers written in the language that the reference, or else the policy, names.",
        in_language,
        missing=0.0,
        source="Lui & Baldwin 2012, by the library py3langid",
        undefined=f"{NOT_SET.reason}; {UNSURE.reason}",
        limits=(
            f"Read from the first {MOST_CHARACTERS} characters; fewer than {FEWEST_LETTERS} letters are not read. "
            "Languages that are close, such as Danish and Norwegian, are taken for each other now and then."
        ),
        takes={
            "language": Parameter(
                "a language as ISO 639 has it, such as de",
                "the language where the reference names none in `expected.language`",
                lambda value: primary(value) is not None,
            )
        },
    ),
]
