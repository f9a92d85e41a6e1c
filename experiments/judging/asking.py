"""What a worker asks judges: built from the stored answers at the moment at which it is asked. For reading alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from datasets.examples import Example
from evaltrack.integrations.model_api import Question
from experiments import suite
from experiments.judging import forms, judges, layout
from experiments.judging.asked import Asked, Said
from experiments.judging.replies import NotAReply
from experiments.models import Arm, Experiment, Output, Run
from experiments.running.claims import Claimed
from experiments.suite import MetricRule, Suite
from experiments.targets.base import Target

ExampleAt = Callable[[int], Example]


@dataclass(frozen=True)
class Judging:
    """A judge's run: the metric for which it judges, the answers of which arm, and both arms' runs."""

    rules: Suite
    rule: MetricRule
    arm: Arm
    arms: Mapping[Arm, int]

    def place(self, claimed: Claimed) -> tuple[int, int]:
        """Which repeat of the answers is judged, and by which of the calls."""
        return divmod(claimed.repeat, forms.calls(self.rule))


@dataclass(frozen=True)
class Posed:
    """A question to a judge, and how its reply is to be read."""

    question: Question
    asked: Asked

    def complaint(self, text: str) -> str:
        """Why a text is no reply; nothing where it is one."""
        try:
            self.asked.read(text)
        except NotAReply as why:
            return str(why)
        return ""


def of(experiment: Experiment, runs: Sequence[Run]) -> dict[int, Judging]:
    """By the keys of those of the runs that judge."""
    arms = {Arm(run.arm): run.pk for run in experiment.runs.of_arms()}
    arm_of = {pk: arm for arm, pk in arms.items()}
    policy = suite.parse(experiment.policy.body)
    rules = {rule.metric: rule for rule in judges.judged_rules(policy)}
    return {
        run.pk: Judging(policy, rules[run.metric], arm_of[run.judges_id], arms)
        for run in runs
        if run.judges_id is not None
    }


def pose(
    judging: Mapping[int, Judging],
    targets: Mapping[int, Target],
    taken: Sequence[Claimed],
    example_at: ExampleAt,
) -> dict[int, Posed]:
    """The questions of claimed outputs, by their keys; two queries, however many they are.

    Where an answer that was laid out to be judged is none any more, there is no question.
    """
    wanted = [claimed for claimed in taken if claimed.run_id in judging]
    if not wanted:
        return {}
    runs = {run for each in judging.values() for run in each.arms.values()}
    rows = Output.objects.filter(run__in=runs, position__in={claimed.position for claimed in wanted})
    answers = {(row.run_id, row.position, row.repeat): row for row in rows}
    found = {}
    for claimed in wanted:
        each = judging[claimed.run_id]
        repeat, call = each.place(claimed)
        both = {
            arm: row
            for arm, run in each.arms.items()
            if (row := answers.get((run, claimed.position, repeat))) is not None
        }
        reads = layout.read(both, example_at(claimed.position), each.rules)
        asked = forms.asked(each.rule, reads[each.arm], layout.rival_of(each.arm, reads))
        if isinstance(asked, Asked):
            found[claimed.id] = Posed(question_to(targets[claimed.run_id], asked.said(call)), asked)
    return found


def question_to(target: Target, said: Said) -> Question:
    return target.question(said.variables)
