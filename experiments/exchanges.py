"""One example of an experiment, whole: what each arm was asked, word for word, and what came back. For reading."""

import json
from dataclasses import dataclass
from typing import Any

from datasets.examples import Example
from evaltrack.canonical import digest
from evaltrack.errors import NotFound
from experiments import targets
from experiments.examples import expectation, read
from experiments.models import Arm, Experiment, Output, RawReply


@dataclass(frozen=True)
class Request:
    """What an output was asked, made anew of configuration and example.

    `is_what_was_sent`: whether it has the digest that was recorded with the answer; None where there is no answer.
    """

    address: str
    body: Any
    is_what_was_sent: bool | None

    @property
    def text(self) -> str:
        return json.dumps(self.body, ensure_ascii=False, indent=2)


@dataclass(frozen=True)
class CameBack:
    """What an endpoint answered, whole. `is_as_kept`: whether it has the digest that the output names."""

    digest: str
    text: str
    size: int
    is_cut: bool
    is_as_kept: bool


@dataclass(frozen=True)
class Exchange:
    """`request` is None where nobody is asked, as the outputs are brought, and for whoever may not read examples.

    `came_back` is None where it is not kept, and for whoever may not read examples: services repeat what they were
    asked.
    """

    output: Output
    request: Request | None
    came_back: CameBack | None = None
    # Which of several repeats it is; 0 where there is one.
    repeat: int = 0

    @property
    def name(self) -> str:
        arm = Arm(self.output.run.arm).label
        return f"{arm}, repeat {self.repeat}" if self.repeat else arm


@dataclass(frozen=True)
class Whole:
    """`example` is None for whoever may not read the dataset."""

    example_id: str
    example: Example | None
    exchanges: list[Exchange]

    @property
    def asked(self) -> str:
        return self.example.asked if self.example else ""

    @property
    def expected(self) -> str:
        return expectation(self.example)


def of_example(experiment: Experiment, example_id: str, *, reads_examples: bool) -> Whole:
    """Every output of both arms to one example, the baseline's first. NotFound where the experiment has none."""
    rows = Output.objects.of_arms().filter(experiment=experiment, example_id=example_id)
    outputs = list(
        rows.select_related("run__version", "reused_from__experiment", "raw_reply").order_by(
            "run__arm", "repeat"
        )
    )
    if not outputs:
        raise NotFound("no_such_example", f"{experiment} asked nothing about an example {example_id!r}.")
    example = read(experiment, {example_id}).get(example_id) if reads_examples else None
    repeated = any(each.repeat for each in outputs)
    exchanges = [
        Exchange(
            each,
            request_of(each, example),
            came_back(each.raw_reply) if reads_examples and each.raw_reply else None,
            each.repeat + 1 if repeated else 0,
        )
        for each in outputs
    ]
    return Whole(example_id, example, exchanges)


def request_of(output: Output, example: Example | None) -> Request | None:
    target = targets.parse(output.run.version.configuration)
    if example is None or not target.is_asked:
        return None
    try:
        question = target.question(example.input)
    except KeyError:
        return None  # it was never asked: the output says which variable the example lacks
    recorded = output.request_digest
    return Request(question.url, question.body, digest(question.body) == recorded if recorded else None)


def came_back(kept: RawReply) -> CameBack:
    text, is_as_kept = kept.read()
    return CameBack(kept.digest, text, kept.size, kept.is_cut, is_as_kept)
