"""From what judges said, as it is stored, to values and to how far a judge agrees with itself. For reading alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from evaltrack.stats.estimate import Undefined, rounded
from evaltrack.stats.judge import position_swaps
from experiments.judging import forms, judges, layout, sums
from experiments.judging.asked import Asked
from experiments.judging.forms import FORMS, PAIRWISE
from experiments.judging.replies import NotAReply, Reply
from experiments.metrics.base import Value
from experiments.metrics.judged import JUDGE_ERROR
from experiments.models import Arm, Experiment, Outcome, Output, Run
from experiments.scoring import ByPosition
from experiments.suite import MetricRule, Suite

# Outputs by the key of their run, position and repeat.
Said = Mapping[tuple[int, int, int], Output]
Found = list[Reply | Undefined]

NOT_IN_FORMAT = Undefined(f"{JUDGE_ERROR}its reply was not in the format that was asked for")
NO_REPLY = Undefined(f"{JUDGE_ERROR}it did not answer")
WHY_NOT = {
    Outcome.REFUSED: Undefined(f"{JUDGE_ERROR}it refused"),
    Outcome.SKIPPED_BY_BUDGET: Undefined(f"{JUDGE_ERROR}the budget was spent before it could be asked"),
}


@dataclass
class Tally:
    """Of one judge's run: how many answers it was asked about, and of how many it gave no value; by how much its
    samples differ; and for pairs what it preferred in each order."""

    answers: int = 0
    errors: int = 0
    spreads: list[float] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    swapped: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {"answers": self.answers, "errors": self.errors}
        if self.spreads:
            body["spread"] = rounded(sum(self.spreads) / len(self.spreads))
        if self.shown:
            body["swaps"] = position_swaps(self.shown, self.swapped).as_json()
        return body


@dataclass
class Judgments:
    """`values`: the key of an output → metric → value. `tallies`: by the key of the judge's run."""

    values: dict[int, dict[str, Value]] = field(default_factory=dict)
    tallies: dict[int, Tally] = field(default_factory=dict)

    def of(self, output: Output) -> Mapping[str, Value]:
        return self.values.get(output.pk, {})


def of(experiment: Experiment, rules: Suite, examples: ByPosition) -> Judgments:
    """All of them, read in chunks."""
    found = Judgments()
    if not judges.judged_rules(rules):
        return found
    arms = {Arm(run.arm): run for run in experiment.runs.of_arms()}
    runs = runs_of(experiment)
    found.tallies = {run.pk: Tally() for run in runs.values()}
    stream = layout.pairs(arms)
    while several := list(islice(stream, layout.CHUNK)):
        said = said_of(runs, several)
        for both in several:
            for rule, arm, question in layout.asked_of(rules, both, examples):
                if run := runs.get((rule.metric, arm)):
                    judge(found, rule, both, arm, run, question, said)
                if rule.metric == PAIRWISE:
                    mirror(found, both, examples, rules)
    return found


def runs_of(experiment: Experiment) -> dict[tuple[str, Arm], Run]:
    """The runs of judges by metric and arm."""
    rows = experiment.runs.judging().select_related("judges", "endpoint", "version__component__owner")
    return {(run.metric, Arm(run.judges.arm)): run for run in rows if run.judges}


def said_of(runs: Mapping[tuple[str, Arm], Run], several: Sequence[Mapping[Arm, Output]]) -> Said:
    positions = [row.position for both in several for row in both.values()]
    rows = Output.objects.filter(
        run__in=[run.pk for run in runs.values()],
        position__gte=min(positions),
        position__lte=max(positions),
    )
    return {(row.run_id, row.position, row.repeat): row for row in rows}


def judge(
    found: Judgments,
    rule: MetricRule,
    both: Mapping[Arm, Output],
    arm: Arm,
    run: Run,
    question: Asked | Value,
    said: Said,
) -> None:
    """Add the value of one answer."""
    row, tally = both[arm], found.tallies[run.pk]
    value: Value
    if isinstance(question, Asked):
        heard = [
            read(question, said.get((run.pk, row.position, layout.repeat_of(rule, row.repeat, call))))
            for call in range(forms.calls(rule))
        ]
        value = forms.value(rule, question, heard)
        count(tally, rule, question, heard, value)
    else:
        value = question
    found.values.setdefault(row.pk, {})[rule.metric] = value


def mirror(found: Judgments, both: Mapping[Arm, Output], examples: ByPosition, rules: Suite) -> None:
    """The baseline's value of a pair. Where neither answered both have lost, which is no difference either."""
    baseline, candidate = both[Arm.BASELINE], both[Arm.CANDIDATE]
    value = found.of(candidate).get(PAIRWISE, NO_REPLY)
    answered = layout.read(both, examples[baseline.position], rules)[Arm.BASELINE]
    if answered.text is None:
        value = 0.0
    elif not isinstance(value, Undefined):
        value = 1 - value
    found.values.setdefault(baseline.pk, {})[PAIRWISE] = value


def read(question: Asked, row: Output | None) -> Reply | Undefined:
    if row is None or row.outcome not in {Outcome.ANSWERED, Outcome.FORMAT_INVALID}:
        return WHY_NOT.get(Outcome(row.outcome), NO_REPLY) if row and row.outcome else NO_REPLY
    try:
        return question.read(row.text)
    except NotAReply:
        return NOT_IN_FORMAT


def count(tally: Tally, rule: MetricRule, question: Asked, heard: Found, value: Value) -> None:
    tally.answers += 1
    if isinstance(value, Undefined):
        tally.errors += 1
        return
    orders = len(question.orders)
    samples = [heard[place : place + orders] for place in range(0, len(heard), orders)]
    whole = [each for each in samples if all(isinstance(reply, Reply) for reply in each)]
    single = [one(rule, question, each) for each in whole]
    if forms.samples(rule) > 1 and len(single) > 1:
        tally.spreads.append(max(single) - min(single))
    if rule.metric == PAIRWISE:
        one_way, other_way = sums.leanings([replies(heard[order::orders]) for order in range(orders)])
        tally.shown.append(one_way)
        tally.swapped.append(other_way)


def one(rule: MetricRule, question: Asked, sample: Found) -> float:
    value = FORMS[rule.metric].sums_up(rule, question, [[reply] for reply in replies(sample)])
    assert not isinstance(value, Undefined)
    return value


def replies(several: Found) -> list[Reply]:
    return [each for each in several if isinstance(each, Reply)]


def too_many_errors(experiment: Experiment, found: Judgments, rules: Suite) -> str:
    """Why no verdict may be drawn, or nothing: a judge failed on more answers than the policy allows."""
    for (metric, arm), run in runs_of(experiment).items():
        tally = found.tallies[run.pk]
        if tally.answers and tally.errors / tally.answers > rules.max_error_share:
            return (
                f"{judges.name_of(run.version)} gave no {metric} for {tally.errors} of {tally.answers} answers of "
                f"the {arm}, more than the {rules.max_error_share:.0%} that the policy allows; "
                f"{commonest(found, metric)}"
            )
    return ""


def commonest(found: Judgments, metric: str) -> str:
    reasons: dict[str, int] = {}
    for values in found.values.values():
        value = values.get(metric)
        if isinstance(value, Undefined) and value.reason.startswith(JUDGE_ERROR):
            reasons[value.reason] = reasons.get(value.reason, 0) + 1
    return f"most often: {max(reasons, key=lambda each: reasons[each])}" if reasons else "for no known reason"


def keep(found: Judgments) -> None:
    """Write what was counted into the records of the judges' runs; call it inside the act's transaction."""
    for run in Run.objects.filter(pk__in=found.tallies):
        Run.objects.filter(pk=run.pk).update(record={**run.record, "judged": found.tallies[run.pk].as_json()})
