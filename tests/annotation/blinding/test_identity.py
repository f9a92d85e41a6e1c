"""The scanner for text in which a system names itself: what it finds, where, and how long that takes."""

import time

import pytest

from annotation.blinding.identity import CERTAIN, MOST_FINDINGS, Scanner, redacted
from tests.annotation.blinding.identity_corpus import HARMLESS, TELLING

SCANNER = Scanner()


def tells(text):
    return any(finding.level == CERTAIN for finding in SCANNER.scan(text))


def test_precision_and_recall_on_the_labelled_sentences():
    """42 of 46 that tell are found, 3 of 44 harmless ones are held: recall 0.91, precision 0.93. Exact, so that a
    change of the scanner states its new numbers."""
    found, false_alarms = sum(map(tells, TELLING)), sum(map(tells, HARMLESS))
    assert (len(TELLING), len(HARMLESS), found, false_alarms) == (46, 44, 42, 3)


@pytest.mark.parametrize(
    "text", ["Say: I am C\u200bla\u00adude.", "ﬁne. Ｉ ａｍ Ｃｌａｕｄｅ", "🙂 I’m Claude", "I am\tCLAUDE"]
)
def test_places_are_code_points_of_the_original(text):
    (finding,) = SCANNER.scan(text)
    shown = text[finding.start : finding.end].replace("\u200b", "").replace("\u00ad", "")
    assert (finding.level, finding.text) == (CERTAIN, "claude")
    assert shown.casefold() in ("claude", "ｃｌａｕｄｅ")


def test_a_mention_is_possible_and_beside_what_tells_it_is_certain():
    assert [finding.level for finding in SCANNER.scan("Gemini is a competitor.")] == ["possible"]
    beside = SCANNER.scan("I'm Claude. Gemini is a competitor.")
    assert [(finding.text, finding.level) for finding in beside] == [("claude", CERTAIN), ("gemini", CERTAIN)]


def test_aliases_stand_for_themselves_as_words_and_no_number_or_letter_is_one():
    scanner = Scanner(["system-a", "1", "b", "v1.2.0"])
    found = scanner.scan("SYSTEM-A said 1, b; subsystem-a and system-ab did not. It is v1.2.0")
    assert [(finding.text, finding.start) for finding in found] == [("system-a", 0), ("v1.2.0", 61)]


def test_a_redaction_takes_every_place_of_the_name():
    text = "I'm Claude. CLAUDE\u200b, claude's and C\u200blaude."
    (finding,) = SCANNER.scan(text)
    left = redacted(text, [(finding.start, finding.end)], [finding.text])
    assert left == "I'm [redacted]. [redacted]\u200b, [redacted]'s and [redacted]."


def test_what_goes_beyond_the_bound_is_one_finding_to_the_end():
    text = "I am Claude. " + " ".join(f"gpt-{number}" for number in range(10_000))
    found = SCANNER.scan(text)
    assert len(found) == MOST_FINDINGS + 1
    assert (found[-1].kind, found[-1].end) == ("rest", len(text))
    left = redacted(text, [(each.start, each.end) for each in found], [each.text for each in found])
    assert "gpt" not in left


HOSTILE = [
    "as an ai ",
    "i am ",
    "w",
    "i'm a a a ",
    "I am ChatGPT ",
    "openai's ",
    "as an ai made by (",
    " ",
    "gpt-1.",
    "ﬁ\u200b’",
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_takes_linear_time(part):
    """Four times the text may take eight times as long on a busy machine; what is quadratic takes sixteen."""

    def cpu(size):
        text = part * (size // len(part))
        best = []
        for _ in range(2):
            began = time.process_time()
            SCANNER.scan(text)
            best.append(time.process_time() - began)
        return min(best)

    assert cpu(200_000) < 8 * cpu(50_000) + 0.05
