"""Pure: how close an answer comes to its reference."""

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import LCSseq, Levenshtein
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp

from evaltrack.stats.estimate import Undefined
from experiments.metrics import grams, patterns
from experiments.metrics.base import (
    NO_REFERENCE,
    TOO_SLOW,
    Answered,
    Direction,
    Kind,
    Metric,
    Parameter,
    Value,
)
from experiments.metrics.text import LONGEST_WORD, kept, normalized, reference

NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?")
TOKEN = re.compile(r"[a-z0-9]+")
# Of longer texts these are compared: a distance takes the time of their product.
MOST_CHARACTERS = 20_000
NO_NUMBER = Undefined("the reference has no number")
# A number of more digits is none that anybody compares, and Python reads it slowly.
LONGEST_NUMBER = 300
STRIP = {
    "strip": Parameter(
        "a regular expression", "what is left out of the answer, such as citations", patterns.compiles
    )
}


class Marks(TokenizerRegexp):
    """sacrebleu's, which would keep the last 65,536 texts of whatever length in memory."""

    __call__ = TokenizerRegexp.__call__.__wrapped__  # type: ignore[assignment]


class Tokens(Tokenizer13a):
    __call__ = Tokenizer13a.__call__.__wrapped__  # type: ignore[assignment]

    def __init__(self) -> None:
        self._post_tokenizer = Marks()


BLEU_OF_SENTENCES = BLEU(effective_order=True)
TOKENS = Tokens()
# What it joins.
LINE_BROKEN_WORD = "-\n"
CHRF_OF_SENTENCES = CHRF()


def token_f1(answered: Answered) -> Value:
    """Harmonic mean of token precision and recall against the reference answer (SQuAD's F1)."""
    if "token_f1" not in answered.memo:
        answered.memo["token_f1"] = f1_of_tokens(answered)
    return answered.memo["token_f1"]


def f1_of_tokens(answered: Answered) -> Value:
    wanted = reference(answered.expected)
    if wanted is None:
        return NO_REFERENCE
    said = patterns.without(answered.parameters.get("strip", patterns.BRACKETED), answered.said)
    if said is None:
        return TOO_SLOW
    ours, theirs = normalized(said).split(), normalized(wanted).split()
    shared = grams.in_common(ours, theirs)
    if not shared:
        return float(not ours and not theirs)
    precision, recall = shared / len(ours), shared / len(theirs)
    return 2 * precision * recall / (precision + recall)


def exact_match(answered: Answered) -> Value:
    wanted = reference(answered.expected)
    if wanted is None:
        return NO_REFERENCE
    return float(normalized(answered.said) == normalized(wanted))


def numeric_match(answered: Answered) -> Value:
    """1 where the last number of the answer equals the last number of the reference."""
    wanted = reference(answered.expected)
    if wanted is None or not (target := NUMBER.findall(wanted)):
        return NO_NUMBER
    found = NUMBER.findall(answered.said)
    return float(bool(found) and abs(number(found[-1]) - number(target[-1])) < 1e-9)


def number(text: str) -> float:
    return float(text.replace(",", "")[:LONGEST_NUMBER])


def verbatim_match(answered: Answered) -> Value:
    wanted = reference(answered.expected)
    return NO_REFERENCE if wanted is None else float(answered.said == wanted)


def rouge_l(answered: Answered) -> Value:
    """The F measure of the longest common subsequence of tokens (Lin 2004), of the texts as wholes, β = 1.

    Tokens are runs of letters a to z and digits in lower case, without stemming, as the usual implementation has
    them.
    """
    wanted = reference(answered.expected)
    if wanted is None:
        return NO_REFERENCE
    ours, theirs = (TOKEN.findall(text[:MOST_CHARACTERS].lower()) for text in (answered.said, wanted))
    if not ours or not theirs:
        return 0.0
    common = LCSseq.similarity(ours, theirs)
    return 2 * common / (len(ours) + len(theirs))


def edit_similarity(answered: Answered) -> Value:
    """1 less Levenshtein's distance in characters, as a share of the longer text."""
    wanted = reference(answered.expected)
    if wanted is None:
        return NO_REFERENCE
    return float(Levenshtein.normalized_similarity(answered.said[:MOST_CHARACTERS], wanted[:MOST_CHARACTERS]))


def bleu(answered: Answered) -> Value:
    """sacrebleu's BLEU of the one answer: its tokens (13a), its formula and smoothing, the orders that the answer
    has.

    Counts are taken here, as they take half of the time of `sentence_score`.
    """
    wanted = reference(answered.expected)
    if wanted is None:
        return NO_REFERENCE
    ours, theirs = words(answered.said), words(wanted)
    correct, total = [], []
    for n in range(1, BLEU_OF_SENTENCES.max_ngram_order + 1):
        said, meant = (
            list(zip(*(line[start:] for start in range(n)), strict=False)) for line in (ours, theirs)
        )
        correct.append(grams.in_common(said, meant))
        total.append(len(said))
    found = BLEU.compute_bleu(
        correct, total, len(ours), len(theirs), BLEU_OF_SENTENCES.smooth_method, effective_order=True
    )
    return share(found.score)


@kept
def words(text: str) -> list[str]:
    """The tokens of a text. Those of a word are its own, and texts have the same words again and again."""
    text = text[:MOST_CHARACTERS].rstrip()
    if LINE_BROKEN_WORD in text:
        return TOKENS(text).split()
    return [
        token
        for word in text.split()
        for token in (tokens(word) if len(word) <= LONGEST_WORD else TOKENS(word).split())
    ]


@lru_cache(maxsize=20_000)
def tokens(word: str) -> list[str]:
    return TOKENS(word).split()


def chrf(several: Sequence[Answered]) -> list[Value]:
    """sacrebleu's chrF2 of each answer: n-grams of 1 to 6 characters without blanks, recall counted fourfold."""
    wanted = [reference(each.expected) for each in several]
    pairs = [
        (characters(each.said), characters(text))
        for each, text in zip(several, wanted, strict=True)
        if text is not None
    ]
    scores = map(CHRF_OF_SENTENCES._compute_f_score, grams.counts(pairs, CHRF_OF_SENTENCES.char_order))
    return [NO_REFERENCE if text is None else share(next(scores)) for text in wanted]


def characters(text: str) -> str:
    return "".join(text[:MOST_CHARACTERS].split())


def share(percent: float) -> float:
    """Of 0 to 100 as 0 to 1: sums of logarithms can pass the end in the last bit."""
    return min(1.0, max(0.0, percent / 100))


BY_SENTENCE = (
    "The summary is the mean over answers, which is not the figure of a whole corpus that papers on translation "
    "report: there counts are added up before the formula."
)
METRICS = [
    Metric(
        "token_f1",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Closeness to the reference's wording: mean token F1, citations left out.",
        token_f1,
        missing=0.0,
        formula="2·P·R / (P + R), P and R the shares of the answer's and the reference's tokens that both have",
        source="Rajpurkar et al. 2016",
        undefined=f"{NO_REFERENCE.reason}, or {TOO_SLOW.reason}",
        takes=STRIP,
    ),
    Metric(
        "rouge_l",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Words in common with the reference in the same order: mean F1 of the longest common subsequence.",
        rouge_l,
        missing=0.0,
        formula="2·L / (a + r), L the length of the longest common subsequence of a and r tokens",
        source="Lin 2004",
        undefined=NO_REFERENCE.reason,
        limits="Words in other scripts than a to z are not seen.",
    ),
    Metric(
        "bleu",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Runs of 1 to 4 words in common with the reference: mean sentence BLEU, exponential smoothing.",
        bleu,
        missing=0.0,
        formula="brevity penalty · geometric mean of the precisions of the n-grams, n from 1 to 4",
        source="Papineni et al. 2002, as in sacrebleu: Post 2018",
        undefined=NO_REFERENCE.reason,
        limits=BY_SENTENCE,
    ),
    Metric(
        "chrf",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Runs of 1 to 6 characters in common with the reference: mean sentence chrF2.",
        missing=0.0,
        formula="5·P·R / (4·P + R), P and R the mean precision and recall of the n-grams, n from 1 to 6",
        source="Popović 2015, as in sacrebleu: Post 2018",
        undefined=NO_REFERENCE.reason,
        limits=BY_SENTENCE,
        together=chrf,
    ),
    Metric(
        "edit_similarity",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "1 less the edits that make the reference of the answer, as a share of the longer text's characters.",
        edit_similarity,
        missing=0.0,
        formula="1 − d / max(a, r), d the edits between texts of a and r characters",
        source="Levenshtein 1966",
        undefined=NO_REFERENCE.reason,
    ),
    Metric(
        "exact_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers equal to the reference after normalisation.",
        exact_match,
        missing=0.0,
        source="Rajpurkar et al. 2016",
        undefined=NO_REFERENCE.reason,
    ),
    Metric(
        "verbatim_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers equal to the reference, letter by letter.",
        verbatim_match,
        missing=0.0,
        undefined=NO_REFERENCE.reason,
    ),
    Metric(
        "numeric_match",
        Kind.BINARY,
        Direction.HIGHER,
        "Share of answers whose last number is the reference's last number.",
        numeric_match,
        missing=0.0,
        undefined=NO_NUMBER.reason,
    ),
]
