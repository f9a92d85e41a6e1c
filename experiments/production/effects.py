"""What a live test shows: is the split as planned, what did the change do, and what follows. For reading alone."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Sum

from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.monitoring import (
    Adjusted,
    Arm,
    SampleRatio,
    cuped,
    effect_any_time,
    sample_ratio_any_time,
)
from experiments.comparison import negated
from experiments.metrics import REGISTRY
from experiments.metrics.base import Direction
from experiments.models import LiveTest, LiveUnit, MetricOutcome, TrafficArm

PASS, FAIL, INCONCLUSIVE = MetricOutcome.PASS, MetricOutcome.FAIL, MetricOutcome.INCONCLUSIVE


@dataclass(frozen=True)
class Found:
    """`effect` decides: adjusted where something is known of every unit from before, else `plain`."""

    arms: dict[str, Arm]
    ratio: SampleRatio | Undefined
    crossed: int
    plain: Estimate | Undefined
    adjusted: Adjusted | Undefined
    outcome: str
    sentence: str

    @property
    def effect(self) -> Estimate | Undefined:
        return self.adjusted.effect if isinstance(self.adjusted, Adjusted) else self.plain

    @property
    def ratio_units(self) -> int:
        return self.ratio.n if isinstance(self.ratio, SampleRatio) else 0

    def as_json(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "sentence": self.sentence,
            "effect": self.effect.as_json(),
            "unadjusted": self.plain.as_json(),
            "variance_reduction": getattr(self.adjusted, "variance_reduction", None),
            "units": {name: arm.n for name, arm in self.arms.items()},
            "means": {name: arm.mean if arm.n else None for name, arm in self.arms.items()},
            "crossed": self.crossed,
            "sample_ratio": {
                "alarm": isinstance(self.ratio, SampleRatio) and self.ratio.alarm,
                "text": self.ratio.text if isinstance(self.ratio, SampleRatio) else self.ratio.reason,
            },
        }


def result(test: LiveTest) -> dict[str, Any]:
    """What it shows now, or showed when it ended."""
    return of(test).as_json() if test.conclusion is None else test.conclusion


def of(test: LiveTest) -> Found:
    """From the units by themselves; the same however often it is read."""
    units = LiveUnit.objects.filter(test=test)
    seen = {row["arm"]: row for row in units.values("arm").annotate(count=Count("pk"))}
    counts = [seen.get(arm, {"count": 0})["count"] for arm in (TrafficArm.CONTROL, TrafficArm.TREATMENT)]
    ratio = sample_ratio_any_time(counts, [1 - test.treatment_share, test.treatment_share])
    whole = units.filter(crossed=False, n__gt=0)
    arms = {arm.value: moments(whole.filter(arm=arm)) for arm in TrafficArm}
    treated, control = arms[TrafficArm.TREATMENT], arms[TrafficArm.CONTROL]
    plain = effect_any_time(treated, control, planned=test.planned_units)
    adjusted: Adjusted | Undefined = Undefined("nothing is known of some units from before")
    if not whole.filter(before=None).exists():
        adjusted = cuped(treated, control, planned=test.planned_units)
    effect = adjusted.effect if isinstance(adjusted, Adjusted) else plain
    outcome, sentence = judged(test, effect, ratio)
    return Found(arms, ratio, units.filter(crossed=True).count(), plain, adjusted, outcome, sentence)


def moments(units: Any) -> Arm:
    """Of one value a unit, its mean, and of what was known before; around a guess, so that squares do not cancel."""
    value = F("total") / F("n")
    first = units.annotate(value=value).values_list("value", "before").first()
    if first is None:
        return Arm(0, 0.0, 0.0)
    guess, guess_before = first[0], first[1] or 0.0
    y, x = F("value") - guess, F("before") - guess_before
    sums = units.annotate(value=value).aggregate(
        n=Count("pk"), y=Sum(y), yy=Sum(y * y), x=Sum(x), xx=Sum(x * x), xy=Sum(x * y)
    )
    n, degrees = sums["n"], max(sums["n"] - 1, 1)

    def spread(first: str, second: str, product: str) -> float:
        return ((sums[product] or 0.0) - (sums[first] or 0.0) * (sums[second] or 0.0) / n) / degrees

    return Arm(
        n=n,
        mean=guess + sums["y"] / n,
        variance=max(0.0, spread("y", "y", "yy")),
        before_mean=guess_before + (sums["x"] or 0.0) / n,
        before_variance=max(0.0, spread("x", "x", "xx")),
        covariance=spread("x", "y", "xy"),
    )


def judged(test: LiveTest, effect: Estimate | Undefined, ratio: SampleRatio | Undefined) -> tuple[str, str]:
    """The same words as of an experiment, by where the any-time interval lies."""
    if isinstance(ratio, SampleRatio) and ratio.alarm:
        return INCONCLUSIVE, f"Not assessed: {ratio.text} Find out why before anything is read from the arms."
    better = effect if REGISTRY[test.metric].direction == Direction.HIGHER else negated(effect)
    if isinstance(better, Undefined):
        return INCONCLUSIVE, f"Not assessed: {better.reason}."
    if better.ci_low is None or better.ci_high is None:
        return INCONCLUSIVE, f"Not assessed: {better.ci_undefined}."
    if better.ci_low > 0:
        return PASS, "Better: the whole interval is on the good side of 0."
    if better.ci_low > -test.margin:
        return PASS, "Not worse than the margin."
    if better.ci_high < -test.margin:
        return FAIL, "Worse by more than the margin."
    return INCONCLUSIVE, "The interval holds both more and less than the margin; go on, or end it."
