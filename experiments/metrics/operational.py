"""Pure: metrics of speed and size."""

from experiments.metrics.base import Answered, Direction, Kind, Metric


def latency(answered: Answered) -> float | None:
    return None if answered.latency_ms is None else float(answered.latency_ms)


def output_tokens(answered: Answered) -> float | None:
    return None if answered.output_tokens is None else float(answered.output_tokens)


def input_tokens(answered: Answered) -> float | None:
    return None if answered.input_tokens is None else float(answered.input_tokens)


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
            undefined="there was no answer, or its time is not known",
        )
        for percent in (50, 95, 99)
    ),
    Metric(
        "input_tokens",
        Kind.CONTINUOUS,
        Direction.LOWER,
        "Mean number of input tokens, as the endpoint reports them.",
        input_tokens,
        unit="tokens",
        highest=None,
        undefined="the endpoint did not say",
    ),
    Metric(
        "output_tokens",
        Kind.CONTINUOUS,
        Direction.LOWER,
        "Mean number of output tokens, as the endpoint reports them.",
        output_tokens,
        unit="tokens",
        highest=None,
        undefined="the endpoint did not say",
    ),
]
