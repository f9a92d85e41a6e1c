"""Several runs of one component against one of them: what may be compared, and what each metric says.

For reading alone. A run never changes once it is scored, so what two of them say of each other is kept.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

import numpy as np
from django.db.models import Count

from evaltrack.errors import Invalid
from evaltrack.stats import paired
from evaltrack.stats.estimate import Undefined
from experiments import grouping, suite
from experiments.comparison import MOST_MISSING, Statistic, compare, summary
from experiments.gates import Judged, judge
from experiments.metrics import REGISTRY
from experiments.metrics.base import Kind, Metric
from experiments.models import WITHOUT_ANSWER, Component, GatePolicy, MetricResult, Output, Run
from experiments.stopping import StopRule
from experiments.suite import MetricRule

MOST_RUNS = 20
KEPT = 32  # answers held per process, of about half a megabyte each at their largest


@dataclass(frozen=True)
class Cell:
    """One run's metric: its own value, and how it stands to the reference; `reason` where it cannot be said."""

    value: Statistic
    judged: Judged | None = None
    newcombe: Statistic | None = None
    reason: str = ""

    @property
    def count(self) -> int | None:
        """Of a share: how many of n."""
        return None if isinstance(self.value, Undefined) else round(self.value.value * self.value.n)


@dataclass(frozen=True)
class Row:
    """A metric with the cells of the reference and of each other run, in the order of the runs."""

    metric: Metric
    rule: MetricRule
    reference: Cell
    cells: tuple[Cell, ...]


def named(component: Component, names: Iterable[str]) -> list[Run]:
    """The component's runs that `names` name, such as "exp-20251122-001.candidate", in their order.

    Invalid names a run that does not exist, and says so where there are too many.
    """
    wanted = list(dict.fromkeys(names))
    if len(wanted) > MOST_RUNS:
        raise Invalid("too_many_runs", f"{len(wanted)} runs are too many: {MOST_RUNS} fit on one page.")
    asked = {name: name.rpartition(".")[::2] for name in wanted}
    rows = (
        Run.objects.of_arms()
        .filter(
            experiment__component=component,
            experiment__public_id__in={experiment for experiment, _ in asked.values()},
        )
        .select_related("version", "experiment__plan", "experiment__dataset_version__dataset")
    )
    found = {name_of(run): run for run in rows}
    for name in wanted:
        if name not in found:
            raise Invalid("no_such_run", f"{component} has no run {name!r}.")
    return [found[name] for name in wanted]


def name_of(run: Run) -> str:
    return f"{run.experiment.public_id}.{run.arm}"


def refusals(reference: Run, runs: Sequence[Run]) -> dict[Run, str]:
    """Why nothing about a run may be set against the reference, for each of which that is so."""
    everyone = [reference, *runs]
    errors = dict(
        Output.objects.filter(run__in=everyone, outcome__in=WITHOUT_ANSWER)
        .values_list("run")
        .annotate(Count("pk"))
        .order_by()
    )
    found = {run: unlike(run, reference, errors) for run in runs}
    return {run: reason for run, reason in found.items() if reason}


def unlike(run: Run, reference: Run, errors: dict[int, int]) -> str:
    for each, whose in ((run, "it"), (reference, "the reference")):
        if each.finished_at is None:
            status = each.experiment.get_status_display().lower()
            return f"{whose} was not scored; its experiment is {status}"
    ours, theirs = run.experiment, reference.experiment
    if ours.dataset_version_id != theirs.dataset_version_id:
        return f"it was measured on {ours.dataset_version}, the reference on {theirs.dataset_version}"
    asked, also = ours.plan.body, theirs.plan.body
    if (asked["positions"], asked["repeats"]) != (also["positions"], also["repeats"]):
        return f"it was asked other examples ({ours.tier}) than the reference ({theirs.tier})"
    shares = [errors.get(each.pk, 0) / asked["examples"] for each in (run, reference)]
    if abs(shares[0] - shares[1]) > MOST_MISSING:
        return f"{shares[0]:.1%} of its calls failed, and {shares[1]:.1%} of the reference's"
    return ""


def unlike_metric(metric: Metric, run: Run, reference: Run) -> str:
    """Why this metric of two runs may not be compared, though the runs may."""
    ours, theirs = run.experiment.plan.body, reference.experiment.plan.body
    name = metric.name
    if name not in ours["metric_versions"]:
        return "not measured in this run"
    if ours["metric_versions"][name] != theirs["metric_versions"][name]:
        return "measured by another version of this metric"
    if parameters(ours, name) != parameters(theirs, name):
        return "measured with other parameters"
    if metric.kind == Kind.LATENCY and not overlap(run, reference):
        return "measured at another time, when the endpoint may have been slower or faster"
    return ""


def parameters(plan: dict, name: str) -> dict:
    return next(rule.get("parameters", {}) for rule in plan["policy"]["metrics"] if rule["metric"] == name)


def overlap(run: Run, reference: Run) -> bool:
    """Whether the two ran at the same time for a while; both are finished.

    An extension keeps answers of an earlier day, so its times are compared with those of its other arm alone.
    """
    if run.experiment_id == reference.experiment_id:
        return True
    if run.experiment.extends_id or reference.experiment.extends_id:
        return False
    ends = [each.finished_at for each in (run, reference) if each.finished_at]
    return max(run.started_at, reference.started_at) <= min(ends)


def compared(reference: Run, runs: Sequence[Run], policy: GatePolicy) -> tuple[Row, ...]:
    """Every metric of the reference, with each of the comparable `runs` judged against it.

    At the policy's level, as one look. Holm corrects over all runs and metrics that can fail: who looks at twenty
    runs sees more accidents than who looks at one.
    """
    return _compared(reference.public_id, tuple(run.public_id for run in runs), policy.digest)


@lru_cache(maxsize=KEPT)
def _compared(reference_id: UUID, run_ids: tuple[UUID, ...], policy_digest: str) -> tuple[Row, ...]:
    rows = Run.objects.select_related("experiment__plan", "experiment__dataset_version").in_bulk(
        [reference_id, *run_ids], field_name="public_id"
    )
    reference, runs = rows[reference_id], [rows[public_id] for public_id in run_ids]
    policy = GatePolicy.objects.filter(digest=policy_digest).first()
    assert policy is not None
    parsed = suite.parse(policy.body)
    rules = {rule.metric: rule for rule in parsed.metrics}
    groups = grouping.of_experiment(reference.experiment, parsed)
    stop = StopRule(parsed.alpha)
    values = vectors([reference, *runs])
    seed = reference.experiment.plan.body["seed"]
    names = [rule["metric"] for rule in reference.experiment.plan.body["policy"]["metrics"]]
    asked = [(REGISTRY[name], rules.get(name, MetricRule(name, role="secondary"))) for name in names]
    reasons = {
        (metric.name, run): unlike_metric(metric, run, reference) for metric, _ in asked for run in runs
    }
    pairs = {
        (metric.name, run): compare(
            rule,
            metric,
            baseline=values[reference.pk, metric.name],
            candidate=values[run.pk, metric.name],
            design="paired",
            seed=seed,
            confidence=stop.confidence,
            groups=groups,
        )
        for metric, rule in asked
        for run in runs
        if not reasons[metric.name, run]
    }
    judged = dict(zip(pairs, judge(list(pairs.values()), stop), strict=True))

    def cell(metric: Metric, run: Run) -> Cell:
        own = values.get((run.pk, metric.name))
        if own is None:
            return Cell(Undefined("not measured in this run"))
        value = summary(metric, own[~np.isnan(own)])
        if (metric.name, run) not in judged:
            return Cell(value, reason=reasons.get((metric.name, run), ""))
        newcombe = None if groups else beside(metric, values[reference.pk, metric.name], own)
        return Cell(value, judged[metric.name, run], newcombe)

    return tuple(
        Row(metric, rule, cell(metric, reference), tuple(cell(metric, run) for run in runs))
        for metric, rule in asked
    )


def vectors(runs: Sequence[Run], *metrics: str) -> dict[tuple[int, str], np.ndarray]:
    """The values by example of each run's metrics, or of the named ones; NaN where undefined for an example."""
    found = MetricResult.objects.filter(run__in=runs)
    rows = (found.filter(metric__in=metrics) if metrics else found).values_list("run", "metric", "values")
    return {(run, metric): values for run, metric, values in rows}


def beside(metric: Metric, baseline: np.ndarray, candidate: np.ndarray) -> Statistic | None:
    """Newcombe's interval, for shares of independent examples."""
    if metric.kind != Kind.BINARY:
        return None
    both = ~np.isnan(baseline) & ~np.isnan(candidate)
    return paired.newcombe_difference(candidate[both], baseline[both])
