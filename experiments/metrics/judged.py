"""Pure: metrics whose values a judge gives, a model that is asked about each answer.

What is asked and how a reply is read is in `experiments.judging`; here is what a policy may say of such a metric. The
values come with the answer (`Answered.judged`), as the judge's replies are outputs that are stored and read again.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import NO_REFERENCE, Answered, Direction, Kind, Metric, Parameter, Value
from experiments.metrics.citations import NO_CITATIONS
from experiments.metrics.rag import NO_CLAIMS, NOTHING_RETRIEVED
from experiments.metrics.support import NO_PASSAGES, NO_SENTENCE

JUDGE = re.compile(r"([-A-Za-z0-9_]{1,80})@([A-Za-z0-9._+-]{1,40})")
LONGEST_RUBRIC = 4_000
MOST_SAMPLES = 9
HIGHEST_SCORE = 100
DEFAULT_SCALE = (1, 5)

NOT_JUDGED = Undefined("no judge was asked about it")
NO_QUESTION = Undefined("the input has no question")
# Every reason that stands for a failure of the judge, and not of what it judged, begins so.
JUDGE_ERROR = "judge error: "
OF_JUDGES = f"`{JUDGE_ERROR}…` where the judge did not answer, or not in its format"


def is_judge(value: Any) -> bool:
    return isinstance(value, str) and JUDGE.fullmatch(value) is not None


def is_rubric(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= LONGEST_RUBRIC


def is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_samples(value: Any) -> bool:
    return is_whole(value) and 1 <= value <= MOST_SAMPLES


def is_scale(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 2 or not all(is_whole(end) for end in value):
        return False
    return 0 <= value[0] < value[1] <= HIGHEST_SCORE


TAKES = {
    "judge": Parameter(
        "the judge's component and version, such as helpfulness-judge@v3", "who is asked", is_judge
    ),
    "samples": Parameter(
        f"a whole number from 1 to {MOST_SAMPLES}",
        "how often the judge is asked the same, 1 unless said; the mean of its scores or the majority of its choices "
        "is the value, and more than half of them must have been readable",
        is_samples,
    ),
}
RUBRIC = {
    "rubric": Parameter(
        f"text of 1 to {LONGEST_RUBRIC:,} characters",
        "what a good answer is, in the words for the judge",
        is_rubric,
    )
}
SCALE = {
    "scale": Parameter(
        f"two whole numbers from 0 to {HIGHEST_SCORE}, the lower one first, such as [1, 5]",
        "the lowest and the highest score, [1, 5] unless said; they become 0 and 1",
        is_scale,
    )
}
LIMITS = (
    "A model's opinion: it may favour long answers, its own style or what is written to please it, and it changes "
    "with its version. What it judges is marked off as data; an answer can still try to persuade it. Hold it against "
    "people before it decides anything."
)
RETRIEVED = f"{LIMITS} Where the passages are the example's own, it says nothing about a retrieval."


def given(name: str) -> Callable[[Answered], Value]:
    return lambda answered: answered.judged.get(name, NOT_JUDGED)


def judged(
    name: str,
    definition: str,
    *,
    formula: str,
    source: str,
    undefined: tuple[Undefined, ...] = (),
    missing: float | None = None,
    kind: Kind = Kind.CONTINUOUS,
    direction: Direction = Direction.HIGHER,
    takes: Mapping[str, Parameter] | None = None,
    needs: tuple[str, ...] = (),
    limits: str = LIMITS,
) -> Metric:
    return Metric(
        name,
        kind,
        direction,
        definition,
        given(name),
        missing=missing,
        formula=formula,
        source=source,
        undefined="; ".join([*(each.reason for each in undefined), OF_JUDGES]),
        limits=limits,
        takes={**TAKES, **(takes or {})},
        needs=("judge", *needs),
    )


ZHENG = "Zheng et al. 2023 (LLM-as-a-judge)"
RAGAS = "Es et al. 2024 (RAGAS), with sentences in the place of a model's statements"
ALCE = "Gao et al. 2023 (ALCE), with a judge in the place of entailment"
METRICS = [
    judged(
        "judge_rubric",
        "Mean score that a judge gives to answers by a rubric.",
        formula="(score − lowest) / (highest − lowest)",
        source=ZHENG,
        missing=0.0,
        takes=RUBRIC | SCALE,
        needs=("rubric",),
    ),
    judged(
        "judge_pairwise",
        "Share of examples on which a judge prefers the arm's answer, in both orders; a tie is a half.",
        formula=(
            "1 where the judge prefers it whichever stands first, 0 where it prefers the other so, else 1/2. The two "
            "arms add up to 1: their difference is the net preference, and the margin is of that"
        ),
        source=ZHENG,
        missing=0.0,
        takes=RUBRIC,
        needs=("rubric",),
        limits=(
            f"{LIMITS} A judge that prefers a place rather than an answer says a half everywhere; the share of "
            "examples on which it contradicted itself so is shown beside the metric."
        ),
    ),
    judged(
        "judge_claim_coverage",
        "Mean share of the reference's claims that the answer states, by a judge.",
        formula="claims found in the answer / claims of `expected.claims`, else sentences of the reference",
        source="recall of nuggets: Voorhees 2003",
        undefined=(NO_CLAIMS,),
        missing=0.0,
    ),
    judged(
        "judge_faithfulness",
        "Mean share of an answer's sentences that its passages support, by a judge.",
        formula="sentences that the judge finds supported / sentences of the answer",
        source=RAGAS,
        undefined=(NO_PASSAGES, NO_SENTENCE),
    ),
    judged(
        "judge_hallucination_rate",
        "Share of answers with a sentence that the passages do not support, by a judge.",
        formula="answers with judge_faithfulness below 1 / answers, by the majority of samples; asked for itself",
        source=RAGAS,
        undefined=(NO_PASSAGES, NO_SENTENCE),
        kind=Kind.BINARY,
        direction=Direction.LOWER,
    ),
    judged(
        "judge_answer_relevance",
        "Mean score that a judge gives to how far an answer answers its question, true or not.",
        formula="(score − lowest) / (highest − lowest)",
        source="the relevance of Es et al. 2024 (RAGAS), asked for directly",
        undefined=(NO_QUESTION,),
        missing=0.0,
        takes=SCALE,
    ),
    judged(
        "judge_context_precision",
        "How far up the helpful passages stand among those retrieved, by a judge: mean average precision.",
        formula="mean over the helpful passages of (helpful ones down to their rank / rank)",
        source=RAGAS,
        undefined=(NO_REFERENCE, NO_PASSAGES, NOTHING_RETRIEVED),
        limits=RETRIEVED,
    ),
    judged(
        "judge_context_recall",
        "Mean share of the reference's claims that the retrieved passages hold, by a judge.",
        formula="claims found in the passages / claims of `expected.claims`, else sentences of the reference",
        source=RAGAS,
        undefined=(NO_CLAIMS, NO_PASSAGES),
        limits=RETRIEVED,
    ),
    judged(
        "judge_citation_precision",
        "Mean share of an answer's citations whose passage supports the sentence that cites it, by a judge.",
        formula="citations that the judge finds right / citations, such as [1]; one that names no passage is wrong",
        source=ALCE,
        undefined=(NO_PASSAGES, NO_CITATIONS),
    ),
    judged(
        "judge_citation_recall",
        "Mean share of an answer's sentences that the passages which they cite support, by a judge.",
        formula="sentences that the judge finds supported by their cited passages / sentences of the answer",
        source=ALCE,
        undefined=(NO_PASSAGES, NO_SENTENCE),
    ),
]
NAMES = frozenset(metric.name for metric in METRICS)
