"""How well a metric that may stand in for people agreed with them, in campaigns of the same kind that are closed."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from annotation.agreement import beside_metric, human_rule
from annotation.models import Campaign, CampaignStatus
from evaltrack.stats.estimate import Undefined
from evaltrack.stats.intervals import mean_t
from evaltrack.stats.judge.bias import mean_within
from evaltrack.stats.judge.eligibility import WITHIN_DAYS, Eligibility, proxy_eligibility
from experiments import proxies
from experiments.models import Experiment
from experiments.proxies import Validity
from experiments.suite import HumanRule

DAY = dt.timedelta(days=1)
# The newest ones, as far as that many: each is read.
MOST_CAMPAIGNS = 50
NO_PAST = Undefined("no campaign is closed in which people judged beside it")


def of(campaign: Campaign, *, at: dt.datetime) -> Validity:
    """Of the proxy that the policy of the campaign's experiment names.

    Both say of each example which of two systems is better, so what the metric says too much is favour for one of
    them. Over examples it is the metric's bias; over campaigns, in each of which another candidate was compared, it
    says what is to be expected of the next.
    """
    rule = human_rule.of(campaign)
    assert campaign.experiment is not None
    ages: list[float] = []
    apart: list[NDArray[np.float64]] = []
    for earlier in comparable(campaign.experiment, rule.proxy, at=at):
        said = beside_metric.said(earlier, rule.proxy)
        # Clocks of two machines may differ by a moment.
        age = np.array([max((at - since) / DAY, 0.0) for since in said.since])
        fresh = age <= WITHIN_DAYS
        if fresh.any():
            apart.append((np.array(said.metric) - np.array(said.people))[fresh])
            ages.extend(age[fresh].tolist())
    bias = mean_within(np.concatenate(apart), -2, 2) if apart else NO_PAST
    favour = mean_t([float(each.mean()) for each in apart]) if apart else NO_PAST
    answer = eligible(ages, bias, favour, rule)
    return Validity(
        labels=len(ages),
        campaigns=len(apart),
        bias=bias,
        favour=favour,
        margin=rule.margin,
        eligible=answer.eligible,
        reasons=answer.reasons,
        lacks=answer.lacks,
    )


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
        .select_related("experiment__plan", "experiment__policy", "rubric")
        .order_by("-closed_at")
    )
    return [
        each
        for each in closed[:MOST_CAMPAIGNS]
        if each.experiment and proxies.definition(each.experiment, metric) == ours
    ]
