"""What a gate policy would have said about experiments that are over: to be read before it comes into force."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import versions
from datasets.spool import Spool
from evaltrack.vectors import Numbers
from experiments import conclusion, gaps, gates, grouping, suite, verdicts
from experiments.comparison import compare
from experiments.gates import Decision, judge
from experiments.metrics import REGISTRY, composite
from experiments.models import Arm, Comparison, Component, Experiment, MetricResult
from experiments.running import planning
from experiments.scorers import asking
from experiments.scoring import Outputs, as_repeated, valued
from experiments.suite import MetricRule, Suite

MOST = 20


@dataclass(frozen=True)
class Tested:
    """One experiment: the outcome that it got, and what the policy would have decided, metric by metric."""

    experiment: Experiment
    was: str
    now: Decision
    comparisons: list[Comparison]

    @property
    def changed(self) -> bool:
        return self.was != self.now.outcome

    def as_json(self) -> dict[str, Any]:
        return {
            "experiment": self.experiment.public_id,
            "was": self.was,
            "now": self.now.outcome,
            "changed": self.changed,
            "reasons": self.now.reasons,
            "metrics": {row.metric: row.outcome for row in self.comparisons},
        }


def backtest(component: Component, rules: Suite, *, most: int = MOST) -> list[Tested]:
    """The newest decided experiments of the component, judged by `rules` from what was measured then.

    Raises Unavailable where a metric is new, its values have to be computed, and the store does not answer.
    """
    rows = component.experiments.filter(status="decided").with_names().select_related("plan")
    return [tested(row, rules) for row in rows.order_by("-submitted_at", "-pk")[:most]]


def tested(experiment: Experiment, rules: Suite) -> Tested:
    values = vectors(experiment, rules)
    stop = planning.stop_rule(experiment, rules, size=experiment.plan.body["examples"])
    groups = grouping.of_experiment(experiment, rules)
    judged = judge(
        [
            compare(
                rule,
                as_repeated(REGISTRY[rule.metric], experiment.plan.body["repeats"]),
                baseline=values[Arm.BASELINE, rule.metric],
                candidate=values[Arm.CANDIDATE, rule.metric],
                design=rules.design,
                seed=experiment.plan.body["seed"],
                confidence=stop.confidence,
                groups=groups,
            )
            for rule in rules.metrics
        ],
        stop,
    )
    comparisons = [conclusion.comparison_row(experiment, order, each) for order, each in enumerate(judged)]
    needed = suite.needs_people(
        rules,
        risk=experiment.component.risk,
        candidate=experiment.candidate.version,
        baseline=experiment.baseline.version,
    )
    people = verdicts.latest_people(experiment, at=experiment.verdicts.all()[0].decided_at)
    now = gates.decide(comparisons, rule=rules.human, people=people, needed=needed)
    return Tested(experiment, experiment.verdicts.all()[0].outcome, now, comparisons)


Vectors = Mapping[tuple[Arm, str], Numbers]


def vectors(experiment: Experiment, rules: Suite) -> Vectors:
    """The values of each arm and metric: those that are stored where the metric was read in the same way."""
    plan = experiment.plan.body
    then = {
        rule.metric: rule.parameters
        for rule in suite.parse(plan["policy"]).metrics
        if plan["metric_versions"][rule.metric] == REGISTRY[rule.metric].version
    }
    known = [rule.metric for rule in rules.metrics if then.get(rule.metric) == rule.parameters]
    stored = MetricResult.objects.filter(run__experiment=experiment, metric__in=known).select_related("run")
    found = {(Arm(row.run.arm), row.metric): row.values for row in stored}
    new = [rule for rule in rules.metrics if (Arm.CANDIDATE, rule.metric) not in found]
    if any(rule.metric == composite.NAME for rule in new):
        new = list(rules.metrics)  # it is made of others
    return found | dict(computed(experiment, new)) if new else found


def computed(
    experiment: Experiment, rules: Sequence[MetricRule]
) -> Iterator[tuple[tuple[Arm, str], list[float | None]]]:
    plan = suite.parse(experiment.plan.body["policy"])
    # What scorers gave was given for the parameters of then.
    then = {rule.metric: rule.parameters for rule in plan.metrics}
    alike = [rule for rule in rules if then.get(rule.metric) == rule.parameters]
    with Spool(versions.stream(experiment.dataset_version)) as examples:
        for run in experiment.runs.of_arms():
            outputs = asking.with_given(alike, Outputs(run))
            for name, values in valued(plan.reading(rules), outputs, examples):
                yield (Arm(run.arm), name), gaps.numbers(values)


def moved(found: Sequence[Tested]) -> Counter[tuple[str, str]]:
    """How many went from which outcome to which."""
    return Counter((each.was, each.now.outcome) for each in found)
