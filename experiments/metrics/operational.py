"""Pure: metrics of speed and size, and of what goes wrong."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from evaltrack.stats.estimate import Undefined
from experiments.metrics import facts, reference
from experiments.metrics.base import NO_ANSWER, Answered, Direction, Kind, Metric, Parameter, Value

NO_TIME = Undefined("the time of the answer is not known")
REUSED = Undefined("the answer was reused, and nobody was asked now")
NO_TIME_AT_ALL = Undefined("the answer took no time that could be measured")
NOT_SAID = Undefined("the endpoint did not say")
NO_QUALITY = Undefined("the answer's quality or its number of tokens is not known")
WORTHLESS = Undefined("no answer of the run is worth anything by this quality")


def no_time(answered: Answered) -> Undefined:
    """Why there is no service time."""
    return REUSED if answered.is_reused else NO_TIME


def latency(answered: Answered) -> Value:
    return no_time(answered) if answered.latency_ms is None else float(answered.latency_ms)


def output_tokens(answered: Answered) -> Value:
    return NOT_SAID if answered.output_tokens is None else float(answered.output_tokens)


def input_tokens(answered: Answered) -> Value:
    return NOT_SAID if answered.input_tokens is None else float(answered.input_tokens)


def tokens_per_second(answered: Answered) -> Value:
    if answered.latency_ms is None:
        return no_time(answered)
    if answered.output_tokens is None:
        return NOT_SAID
    return 1000 * answered.output_tokens / answered.latency_ms if answered.latency_ms else NO_TIME_AT_ALL


def answered_at_all(answered: Answered) -> Value:
    return 0.0


# What an answer can be worth, from 0 to 1, for token efficiency.
QUALITIES: Mapping[str, Callable[[Sequence[Answered]], list[Value]]] = {
    metric.name: metric.of_all
    for metric in [*facts.METRICS, *reference.METRICS]
    if metric.highest == 1 and metric.direction == Direction.HIGHER
}


def tokens_and_quality(several: Sequence[Answered]) -> list[tuple[int, float] | Undefined]:
    """What each answer costs and what it is worth."""
    quality = several[0].parameters.get("quality", "token_f1") if several else "token_f1"
    found: list[tuple[int, float] | Undefined] = []
    for each, worth in zip(several, QUALITIES[quality](several), strict=True):
        if each.text is None:
            found.append(NO_ANSWER)
        elif each.output_tokens is None or isinstance(worth, Undefined):
            found.append(NO_QUALITY)
        else:
            found.append((each.output_tokens, worth))
    return found


def tokens_per_quality(known: Sequence[tuple[int, float]]) -> list[Value]:
    """Of each example its part in the ratio of all output tokens to all quality: the mean of the parts is the ratio.

    A part is R + (tokens − R·quality) / mean quality, with R the ratio: the ratio as a mean, to first order (the
    delta method). So its interval and its comparison are those of a mean, and an answer that costs tokens and is
    worth nothing weighs in, where a mean of ratios would have to leave it out.
    """
    tokens, worth = np.array(known, dtype=float).reshape(-1, 2).T
    if worth.sum() == 0:
        return [WORTHLESS] * len(known)
    ratio = tokens.sum() / worth.sum()
    return (ratio + (tokens - ratio * worth) / worth.mean()).tolist()


METRICS = [
    *(
        Metric(
            f"latency_p{percent}",
            Kind.LATENCY,
            Direction.LOWER,
            f"Service time that {percent} % of the answered examples stay under; waiting in our queue apart.",
            latency,
            unit="ms",
            quantile=percent / 100,
            highest=None,
            source="interval by order statistics: Hahn & Meeker 1991",
            undefined=f"{NO_ANSWER.reason}; {NO_TIME.reason}; {REUSED.reason}",
            of_time=True,
        )
        for percent in (50, 95, 99)
    ),
    Metric(
        "error_rate",
        Kind.BINARY,
        Direction.LOWER,
        "Share of examples that got no answer, after all tries.",
        answered_at_all,
        missing=1.0,
        counts_errors=True,
    ),
    Metric(
        "tokens_per_second",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Throughput of one call: mean of output tokens by second of service time.",
        tokens_per_second,
        unit="tokens/s",
        highest=None,
        formula="1000 · output tokens / service time in ms",
        undefined=f"{NO_ANSWER.reason}; {NO_TIME.reason}, or is 0; {REUSED.reason}; {NOT_SAID.reason}",
        of_time=True,
        limits="How many calls are made at once is the configuration's; this is not what an endpoint can do at most.",
    ),
    Metric(
        "input_tokens",
        Kind.CONTINUOUS,
        Direction.LOWER,
        "Mean number of input tokens, as the endpoint reports them.",
        input_tokens,
        unit="tokens",
        highest=None,
        undefined=f"{NO_ANSWER.reason}, or {NOT_SAID.reason}",
    ),
    Metric(
        "output_tokens",
        Kind.CONTINUOUS,
        Direction.LOWER,
        "Mean number of output tokens, as the endpoint reports them.",
        output_tokens,
        unit="tokens",
        highest=None,
        undefined=f"{NO_ANSWER.reason}, or {NOT_SAID.reason}",
    ),
    Metric(
        "tokens_per_quality",
        Kind.CONTINUOUS,
        Direction.LOWER,
        "Token efficiency: output tokens of all answers for what they are worth, by a quality from 0 to 1.",
        unit="tokens",
        highest=None,
        formula="Σ output tokens / Σ quality",
        source="ratio as a mean by the delta method: Deng, Knoblich & Lu 2018",
        undefined=f"{NO_ANSWER.reason}; {NO_QUALITY.reason}; {WORTHLESS.reason}",
        limits="The value of one example is its part in the ratio, not its own ratio; it may lie below 0.",
        takes={
            "quality": Parameter(
                f"one of {', '.join(sorted(QUALITIES))}",
                "what an answer is worth, token_f1 unless said",
                lambda value: isinstance(value, str) and value in QUALITIES,
            )
        },
        together=tokens_and_quality,
        of_run=tokens_per_quality,
    ),
]
