"""Pure: what a metric is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from evaltrack.stats.estimate import Undefined

Value = float | Undefined


class Kind(StrEnum):
    BINARY = "binary"
    CONTINUOUS = "continuous"
    LATENCY = "latency"
    # The value of an example is a pair of labels, expected and given, as one number.
    LABELS = "labels"


class Direction(StrEnum):
    HIGHER = "higher"
    LOWER = "lower"


@dataclass(frozen=True)
class Answered:
    """What a metric may look at: the example and what the system made of it.

    `text` is None where the system gave no answer. `contexts` are the passages that were retrieved for it, in their
    order, and `citations` what it names as its sources; None where neither the system nor the example says.
    """

    input: Any
    expected: Any
    text: str | None
    latency_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    contexts: Sequence[str] | None = None
    citations: Sequence[str] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    # What judges say of the answer, by the name of the metric.
    judged: Mapping[str, Value] = field(default_factory=dict)
    # What scorers said of this answer, by metric.
    given: Mapping[str, Value] = field(default_factory=dict)
    # It was given in an earlier experiment: nobody was asked now.
    is_reused: bool = False
    # What one metric made of this answer under these parameters, for another one that needs the same.
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def under(self, parameters: Mapping[str, Any]) -> "Answered":
        """The same under other parameters. A tenth of the time of `replace`, which is called for each metric."""
        other = object.__new__(Answered)
        other.__dict__.update(self.__dict__, parameters=parameters, memo={})
        return other

    @property
    def said(self) -> str:
        """The answer, empty where there was none."""
        return self.text or ""


@dataclass(frozen=True)
class Parameter:
    """What a policy may set of a metric. `accepts` says whether it is such a value, `kind` names what would be."""

    kind: str
    purpose: str
    accepts: Callable[[Any], bool]


@dataclass(frozen=True)
class Metric:
    """A number per example, and how it is to be read.

    `value` gives the number of an answer, or Undefined with the reason where the metric does not apply; `undefined`
    lists those reasons for readers. `missing` is what an example counts that got no answer (None: it is left out).
    `quantile` marks metrics whose summary is a quantile of the values rather than their mean, and `figure` those
    whose summary is a figure of the table of labels ("f1", "macro"). `highest` is the largest value there is, None
    where there is none; the smallest is 0. `takes` has the metric's parameters and what each is for, `needs` those
    without which it has no value. `version` changes with the definition, and with the reasons.

    `together` reads several answers at once, as it is given them. With `of_run` a value depends on all answers of a
    run, and one answer alone has none: then `together` gives what counts of each answer, or Undefined with the reason
    why it has no value, and `of_run` makes the values of what counts of all the others. A run's texts do not fit into
    memory, so what counts of one has to be small.

    `scorer` names who gives the values of a metric that evaltrack does not compute itself: they are asked for once,
    and `value` reads what was given.
    """

    name: str
    kind: Kind
    direction: Direction
    definition: str
    value: Callable[[Answered], Value] | None = None
    unit: str = ""
    missing: float | None = None
    quantile: float | None = None
    figure: tuple[str, str] | None = None
    version: str = "1"
    highest: float | None = 1.0
    formula: str = ""
    source: str = ""
    undefined: str = ""
    limits: str = ""
    takes: Mapping[str, Parameter] = field(default_factory=dict)
    needs: Sequence[str] = ()
    # Whether what went wrong between a system and us is what it is about, and never left out.
    counts_errors: bool = False
    together: Callable[[Sequence[Answered]], list[Any]] | None = None
    of_run: Callable[[Sequence[Any]], list[Value]] | None = None
    # Whether it is made of service times.
    of_time: bool = False
    scorer: str = ""

    @property
    def is_mean(self) -> bool:
        """Whether its summary is the mean of values that each answer has by itself."""
        return self.quantile is None and self.figure is None and self.of_run is None

    @property
    def adds_up(self) -> bool:
        """Whether it can be watched answer by answer, as in production: a mean or a quantile."""
        return self.figure is None and self.of_run is None

    def of(self, answered: Answered) -> Value:
        """The example's number: what it counts without an answer only where an answer would have counted."""
        if self.of_run is not None:
            return OF_RUN
        if self.together is not None:
            return self.read([answered])[0]
        if answered.text is not None:
            return self.valued(answered)
        if self.missing is None and self.figure is None:
            return NO_ANSWER
        return self.counted(answered, self.valued(replace(answered, text="", memo={})))

    def counted(self, answered: Answered, value: Value) -> Value:
        """The value, or what counts where there was no answer."""
        if answered.text is not None or self.missing is None or isinstance(value, Undefined):
            return value
        return self.missing

    def valued(self, answered: Answered) -> Value:
        assert self.value is not None, f"{self.name} has neither value nor together"
        return self.value(answered)

    def of_all(self, several: Sequence[Answered]) -> list[Value]:
        """The number of each answer of a run, in their order."""
        return self.concluded(self.read(several))

    def read(self, several: Sequence[Answered]) -> list[Any]:
        """Of some answers of a run the number of each; of a metric of runs, what counts of each."""
        if self.together is not None:
            read = self.together(several)
            return read if self.missing is None else [*map(self.counted, several, read)]
        value = self.value
        return [
            self.of(answered) if value is None or answered.text is None else value(answered)
            for answered in several
        ]

    def concluded(self, read: list[Any]) -> list[Value]:
        """The numbers, of what was read of all answers of a run."""
        if self.of_run is None:
            return read
        counting = [place for place, each in enumerate(read) if not isinstance(each, Undefined)]
        found: list[Value] = list(read)
        for place, value in zip(counting, self.of_run([read[place] for place in counting]), strict=True):
            found[place] = value
        return found


class LeftOut(Undefined):
    """The example was left out, as the policy says of how its output ended: it might have had any value."""


NO_ANSWER = Undefined("there was no answer")
OF_RUN = Undefined("it is known of a whole run, not of one answer")
NO_REFERENCE = Undefined("the example has no reference answer")
TOO_SLOW = Undefined("the pattern takes too long on this answer")
