"""What a sample belongs to: the version in production at its time, and the live test that it is a part of."""

import datetime as dt
from bisect import bisect_right
from dataclasses import dataclass

from evaltrack.fields import WrongField
from experiments.models import Component, Deployment, Environment, LiveTest, ProductionMonitor
from experiments.production.samples import Sample

# Clocks of machines differ.
AHEAD = dt.timedelta(minutes=5)


@dataclass(frozen=True)
class Placed:
    deployment: Deployment
    sample: Sample
    live_test: LiveTest | None = None


def locked_monitor(component: Component) -> ProductionMonitor:
    """The lock under which samples are counted and live tests end. Inside the caller's transaction."""
    ProductionMonitor.objects.get_or_create(component=component)
    return ProductionMonitor.objects.select_for_update().get(component=component)


class Places:
    """Finds where samples belong, without asking the database for each."""

    def __init__(self, component: Component, *, at: dt.datetime) -> None:
        rows = component.deployments.filter(environment=Environment.PRODUCTION)
        self.component, self.latest = component, at + AHEAD
        self.deployments = list(rows.order_by("started_at", "pk"))
        self.starts = [row.started_at for row in self.deployments]
        tests = LiveTest.objects.filter(component=component)
        self.live_tests = list(tests.select_related("experiment__baseline"))

    def placed(self, sample: Sample) -> Placed:
        if sample.sampled_at > self.latest:
            raise WrongField("sampled_at", "lies in the future")
        before = bisect_right(self.starts, sample.sampled_at)
        found = self.deployments[before - 1] if before else None
        if found is None or over(found.ended_at, sample.sampled_at):
            reason = f"is a time at which no version of {self.component} was in production"
            raise WrongField("sampled_at", reason)
        return Placed(found, sample, self.live_test(sample, found) if sample.arm else None)

    def live_test(self, sample: Sample, deployment: Deployment) -> LiveTest:
        for test in self.live_tests:
            if test.started_at <= sample.sampled_at and not over(test.ended_at, sample.sampled_at):
                control = test.experiment.baseline
                if control.pk != deployment.version_id:
                    reason = (
                        f"is of {test}, whose control is {control.version}, no longer in production; end it"
                    )
                    raise WrongField("arm", reason)
                return test
        raise WrongField("arm", f"is named, but no live test of {self.component} was running at that time")


def over(end: dt.datetime | None, at: dt.datetime) -> bool:
    return end is not None and end <= at
