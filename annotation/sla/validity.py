"""How well a metric that may stand in for people agreed with them, in campaigns of the same kind that are closed."""

import datetime as dt
from collections import defaultdict
from typing import NamedTuple

import numpy as np

from annotation.agreement import beside_metric, human_rule
from annotation.models import Campaign, CampaignStatus
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import mean_t
from evaltrack.stats.judge.bias import mean_of_units
from evaltrack.stats.judge.eligibility import WITHIN_DAYS, Eligibility, proxy_eligibility
from experiments import proxies
from experiments.models import Arm, Experiment
from experiments.proxies import Validity
from experiments.suite import HumanRule

DAY = dt.timedelta(days=1)
# The newest ones, as far as that many: each is read.
MOST_CAMPAIGNS = 50
NO_PAST = Undefined("no campaign is closed in which people judged beside it")


def of(campaign: Campaign, *, at: dt.datetime) -> Validity:
    """Of the proxy that the policy of the campaign's experiment names.

    Both say of each example which of two systems is better, so what the metric says too much is favour for one of
    them. Over examples it is the metric's bias; over candidates it says what is to be expected of the next. A
    candidate that several campaigns compared is one, and an example that was judged for it twice is one label.
    """
    rule = human_rule.of(campaign)
    assert campaign.experiment is not None
    labels: dict[tuple[str, str], list[Label]] = defaultdict(list)
    campaigns, units = 0, Units()
    for earlier in comparable(campaign.experiment, rule.proxy, at=at):
        assert earlier.experiment is not None
        fresh = labels_of(earlier, rule.proxy, at=at)
        units.learn(earlier.experiment)
        for label in fresh:
            labels[earlier.experiment.candidate.digest, label.item].append(label)
        campaigns += bool(fresh)
    apart = {key: float(np.mean([each.apart for each in found])) for key, found in labels.items()}
    of_each: dict[str, list[float]] = defaultdict(list)
    for (candidate, _), by in apart.items():
        of_each[candidate].append(by)
    bias = (
        mean_of_units(list(apart.values()), [units.of(item) for _, item in apart], -2, 2)
        if apart
        else NO_PAST
    )
    favour = mean_t([float(np.mean(each)) for each in of_each.values()]) if apart else NO_PAST
    answer = eligible([min(each.age for each in found) for found in labels.values()], bias, favour, rule)
    return Validity(
        labels=len(labels),
        campaigns=campaigns,
        candidates=len(of_each),
        bias=bias,
        favour=favour,
        margin=rule.margin,
        eligible=answer.eligible,
        reasons=answer.reasons,
        lacks=answer.lacks,
    )


class Label(NamedTuple):
    """Of an item that people judged: by how much more than they did the metric preferred the candidate, and how many
    days ago the first of them judged."""

    item: str
    apart: float
    age: float


def labels_of(campaign: Campaign, metric: str, *, at: dt.datetime) -> list[Label]:
    said = beside_metric.said(campaign, metric)
    found = [
        # Clocks of two machines may differ by a moment.
        Label(item, by_metric - by_people, max((at - since) / DAY, 0.0))
        for item, by_metric, by_people, since in zip(
            said.items, said.metric, said.people, said.since, strict=True
        )
    ]
    return [label for label in found if label.age <= WITHIN_DAYS]


class Units:
    """What is independent of each other: examples, or the groups to which a policy says that they belong."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def learn(self, experiment: Experiment) -> None:
        groups = experiment.plan.groups
        if groups is None:
            return
        outputs = experiment.runs.get(arm=Arm.CANDIDATE).outputs.one_each()
        together: dict[int, list[str]] = defaultdict(list)
        for example, group in zip(outputs.values_list("example_id", flat=True), groups, strict=True):
            together[group].append(example)
        for examples in together.values():
            unit = next((self.known[each] for each in examples if each in self.known), examples[0])
            self.known |= dict.fromkeys(examples, unit)

    def of(self, example: str) -> str:
        return self.known.get(example, example)


def eligible(
    ages: list[float], bias: proxies.Statistic, favour: proxies.Statistic, rule: HumanRule
) -> Eligibility:
    if not rule.margin:
        nothing = "the policy's margin is 0, and no interval lies within it"
        return Eligibility(False, (nothing,), 1)
    return proxy_eligibility(
        ages_in_days=ages, bias=bias, favour=favour, margin=rule.margin, judge=rule.proxy
    )


def comparable(experiment: Experiment, metric: str, *, at: dt.datetime) -> list[Campaign]:
    """Campaigns of the same component over versions of the same dataset, in which the metric was the same one, set
    the same way."""
    ours = proxies.definition(experiment, metric)
    if ours is None:
        return []
    closed = (
        Campaign.objects.filter(
            status=CampaignStatus.CLOSED,
            is_simulated=False,
            experiment__component=experiment.component_id,
            experiment__dataset_version__dataset=experiment.dataset_version.dataset_id,
            closed_at__gt=at - WITHIN_DAYS * DAY,
        )
        .exclude(experiment=experiment)
        .select_related("experiment__plan", "experiment__policy", "experiment__candidate", "rubric")
        .order_by("-closed_at")
    )
    return [
        each
        for each in closed[:MOST_CAMPAIGNS]
        if each.experiment and proxies.definition(each.experiment, metric) == ours
    ]
