"""Pure: metrics whose values somebody else gives: a library in an interpreter of its own, or an HTTP service.

Here stands what they are and what of an example they read. Values are asked for once (`experiments.scorers`) and
kept; `value` reads what was given, so that everything after it can be computed again.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics import patterns
from experiments.metrics.base import NO_REFERENCE, Answered, Direction, Kind, Metric, Parameter, Value
from experiments.metrics.text import listed, reference

HTTP = "http"
NO_CONTEXTS = Undefined("the passages of the answer are not known")
NO_GOLD = Undefined("the reference lists no contexts")
NOT_GIVEN = Undefined("its scorer has given no value")
# What a metric may ask of an example beside the answer, which all read.
REFERENCE, CONTEXTS, GOLD = "expected", "contexts", "reference_contexts"


def record(answered: Answered, reads: Sequence[str]) -> dict[str, Any] | Undefined:
    """An example as a scorer is told of it; Undefined where it lacks what the metric reads."""
    told: dict[str, Any] = {"input": question(answered.input), "answer": answered.said}
    told[REFERENCE] = reference(answered.expected)
    if REFERENCE in reads and told[REFERENCE] is None:
        return NO_REFERENCE
    told[CONTEXTS] = None if answered.contexts is None else list(answered.contexts)
    if CONTEXTS in reads and told[CONTEXTS] is None:
        return NO_CONTEXTS
    told[GOLD] = listed(answered.expected, "contexts")
    if GOLD in reads and told[GOLD] is None:
        return NO_GOLD
    return told


def question(given: Any) -> str:
    if isinstance(given, dict) and isinstance(given.get("question"), str):
        return given["question"]
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, sort_keys=True)


def to_ask(metric: Metric, answered: Answered) -> dict[str, Any] | None:
    """What the scorer has to be told of an answer; None where the value is known without it, or there is none."""
    reads = READS[metric.name]
    told = record(answered, reads)
    return told if isinstance(told, dict) and not is_nothing(answered, reads) else None


def is_nothing(answered: Answered, reads: Sequence[str]) -> bool:
    """Whether there is nothing to judge: no words, or no passages. It counts as a failure, or silence would pay."""
    return not answered.said.strip() or (
        CONTEXTS in reads and answered.contexts is not None and not answered.contexts
    )


def within(metric: Metric, value: Value) -> Value:
    """What was given, if it is a value that the metric can have. The last digits of a share may stand above 1."""
    if isinstance(value, Undefined):
        return value
    if not -1e-9 <= value <= 1 + 1e-9:
        return Undefined(f"{metric.scorer} gave a value that is not from 0 to 1")
    if metric.kind == Kind.BINARY and value not in (0, 1):
        return Undefined(f"{metric.scorer} gave a value that is neither 0 nor 1")
    return min(max(value, 0.0), 1.0)


def metric(
    scorer: str,
    name: str,
    definition: str,
    *,
    reads: Sequence[str] = (),
    kind: Kind = Kind.CONTINUOUS,
    takes: Mapping[str, Parameter] | None = None,
    needs: Sequence[str] = (),
    source: str = "",
    limits: str = "",
) -> Metric:
    """A metric of a scorer, from 0 to 1, more is better. No answer, or an empty one, counts 0 unasked."""
    full = f"{scorer}:{name}" if name else scorer
    READS[full] = tuple(reads)

    def value(answered: Answered) -> Value:
        told = record(answered, reads)
        if isinstance(told, Undefined):
            return told
        return 0.0 if is_nothing(answered, reads) else answered.given.get(full, NOT_GIVEN)

    lacking = {REFERENCE: NO_REFERENCE, CONTEXTS: NO_CONTEXTS, GOLD: NO_GOLD}
    return Metric(
        full,
        kind,
        Direction.HIGHER,
        definition,
        value,
        missing=0.0,
        source=source,
        undefined="; ".join(
            [*(lacking[each].reason for each in reads), "the scorer fails, which its reason says"]
        ),
        limits=limits,
        takes=takes or {},
        needs=needs,
        scorer=scorer,
    )


READS: dict[str, tuple[str, ...]] = {}


def is_address(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 500 and re.match(r"https?://[^\s/]", value) is not None


def is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2000


def is_variable(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,79}", value) is not None


def is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def one_of(purpose: str, *words: str) -> Parameter:
    return Parameter(f"one of {', '.join(words)}", purpose, lambda value: value in words)


KEY = Parameter("the name of a variable of EVALTRACK_TARGET_KEYS", "the key that is sent there", is_variable)
MODEL = {
    "base_url": Parameter(
        "an address such as https://host/v1", "the OpenAI-compatible endpoint to ask", is_address
    ),
    "model": Parameter("a text", "the model to ask there", is_text),
    "api_key_env": KEY,
}
BY_MODEL = "It asks a model, whose words differ from day to day; what it said is kept and taken as it is."


def by_model(scorer: str, name: str, definition: str, *reads: str, source: str, **takes: Parameter) -> Metric:
    return metric(
        scorer,
        name,
        definition,
        reads=reads,
        takes={**takes, **MODEL},
        needs=(*takes, "base_url", "model"),
        source=source,
        limits=BY_MODEL,
    )


LIKE_REFERENCE: dict[str, Any] = {"reads": (REFERENCE,)}
ROUGE = {"rouge_type": one_of("which units are compared, rougeL unless said", "rouge1", "rougeL")}
THRESHOLD = {
    "threshold": Parameter(
        "a number from 0 to 1", "how alike two passages have to be, 0.5 unless said", is_share
    )
}

RAGAS = [
    metric(
        "ragas",
        "exact_match",
        "Share of answers that are the reference, letter by letter.",
        kind=Kind.BINARY,
        source="ExactMatch",
        **LIKE_REFERENCE,
    ),
    metric(
        "ragas",
        "non_llm_string_similarity",
        "Similarity of answer and reference by a distance of strings.",
        takes={
            "distance_measure": one_of(
                "which distance, levenshtein unless said", "levenshtein", "hamming", "jaro", "jaro_winkler"
            )
        },
        source="NonLLMStringSimilarity",
        **LIKE_REFERENCE,
    ),
    metric(
        "ragas",
        "rouge_score",
        "ROUGE F1 of answer and reference.",
        takes=ROUGE,
        source="RougeScore",
        **LIKE_REFERENCE,
    ),
    metric(
        "ragas",
        "bleu_score",
        "BLEU of the answer against the reference.",
        source="BleuScore",
        **LIKE_REFERENCE,
    ),
    metric(
        "ragas",
        "chrf_score",
        "chrF of the answer against the reference.",
        source="ChrfScore",
        **LIKE_REFERENCE,
    ),
    metric(
        "ragas",
        "non_llm_context_precision",
        "Average precision of the retrieved passages, relevant where they resemble one of the reference's.",
        reads=(CONTEXTS, GOLD),
        takes=THRESHOLD,
        source="NonLLMContextPrecisionWithReference",
    ),
    metric(
        "ragas",
        "non_llm_context_recall",
        "Share of the reference's passages that a retrieved one resembles.",
        reads=(CONTEXTS, GOLD),
        takes=THRESHOLD,
        source="NonLLMContextRecall",
    ),
    by_model(
        "ragas",
        "faithfulness",
        "Share of the answer's statements that follow from the passages.",
        CONTEXTS,
        source="Faithfulness",
    ),
    by_model(
        "ragas",
        "context_recall",
        "Share of the reference's sentences that the passages bear out.",
        CONTEXTS,
        REFERENCE,
        source="LLMContextRecall",
    ),
    by_model(
        "ragas",
        "factual_correctness",
        "F1 of the claims of answer and reference that the other bears out.",
        REFERENCE,
        source="FactualCorrectness",
    ),
]
DEEPEVAL = [
    metric(
        "deepeval",
        "exact_match",
        "Share of answers that are the reference, but for blanks around them.",
        kind=Kind.BINARY,
        source="ExactMatchMetric",
        **LIKE_REFERENCE,
    ),
    metric(
        "deepeval",
        "pattern_match",
        "Share of answers that match a regular expression as a whole.",
        kind=Kind.BINARY,
        takes={
            "pattern": Parameter("a regular expression", "what the answer has to match", patterns.compiles)
        },
        needs=("pattern",),
        source="PatternMatchMetric",
    ),
    metric(
        "deepeval",
        "quasi_exact_match",
        "Share of answers that are the reference after small letters, without punctuation and articles.",
        kind=Kind.BINARY,
        source="Scorer.quasi_exact_match_score",
        **LIKE_REFERENCE,
    ),
    by_model(
        "deepeval",
        "faithfulness",
        "Share of the answer's claims that do not contradict the passages.",
        CONTEXTS,
        source="FaithfulnessMetric",
    ),
    by_model(
        "deepeval",
        "answer_relevancy",
        "Share of the answer's statements that are about the question.",
        source="AnswerRelevancyMetric",
    ),
    by_model(
        "deepeval",
        "contextual_recall",
        "Share of the reference's sentences that can be attributed to the passages.",
        CONTEXTS,
        REFERENCE,
        source="ContextualRecallMetric",
    ),
    by_model(
        "deepeval",
        "g_eval",
        "How well the answer meets criteria, by a model's marks.",
        source="GEval",
        criteria=Parameter("a text", "what the answer is judged by", is_text),
    ),
]
SERVICE = [
    metric(
        HTTP,
        "",
        "What a service at an address says of each answer.",
        takes={
            "url": Parameter(
                "an address such as https://host/score", "the service that is asked", is_address
            ),
            "name": Parameter("a text", "which of its metrics is asked for, as it is sent", is_text),
            "api_key_env": KEY,
            "arguments": Parameter(
                "an object", "what else is sent with each request", lambda v: isinstance(v, dict)
            ),
        },
        needs=("url",),
        limits="evaltrack knows nothing of how it comes to its values; they are kept and taken as they are.",
    )
]
