"""People beside a metric: what both said of the same examples of an experiment."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotation.agreement import rollup
from annotation.agreement.tally import LABELS
from annotation.models import Campaign, JudgmentState
from evaltrack.stats.estimate import Undefined, rounded
from evaltrack.stats.judge import Rectified, rectified_mean
from experiments import leanings

# By label: the baseline's name is the lesser, so it is the first system of each pair.
PREFERENCE = dict(zip(range(len(LABELS)), (-1.0, 1.0, 0.0, 0.0), strict=True))


@dataclass(frozen=True)
class Said:
    """Of each example that people judged, which `items` names: their mean preference for the candidate and the
    metric's, from −1 to 1, and when the first of them judged. `others`: what the metric says of the examples that
    nobody judged."""

    items: list[str]
    people: list[float]
    metric: list[float]
    since: list[dt.datetime]
    others: list[float]


def said(campaign: Campaign, metric: str) -> Said:
    """Of a campaign of an experiment. Judgments that enter no figure are left out, and so are examples without a
    value of the metric in both arms."""
    assert campaign.experiment is not None
    leaning = leanings.leanings(campaign.experiment, metric)
    people, since = preferences(campaign)
    both = [item for item in people if item in leaning]
    return Said(
        items=both,
        people=[people[item] for item in both],
        metric=[leaning[item] for item in both],
        since=[since[item] for item in both],
        others=[value for item, value in leaning.items() if item not in people],
    )


def given(campaign: Campaign) -> Mapping[str, list[float]]:
    """Of each item what people said, one by one: 1 for the candidate, −1 for the baseline, 0 for neither."""
    return heard(campaign)[0]


def preferences(campaign: Campaign) -> tuple[Mapping[str, float], Mapping[str, dt.datetime]]:
    """Of each item the mean preference for the candidate, and when it was judged first."""
    given, since = heard(campaign)
    return {item: sum(scores) / len(scores) for item, scores in given.items()}, since


def heard(campaign: Campaign) -> tuple[Mapping[str, list[float]], Mapping[str, dt.datetime]]:
    given: dict[str, list[float]] = defaultdict(list)
    since: dict[str, dt.datetime] = {}
    rows = (
        rollup.of_campaign(campaign)
        .filter(state=JudgmentState.FINAL)
        .order_by("task_id")
        .values_list("task_id", "task__item", "choice", "submitted_at")
    )
    for batch in rollup.batches(rows.iterator(chunk_size=rollup.BATCH)):
        swapped = rollup.swapped_tasks({row[0] for row in batch})
        for task, item, choice, submitted_at in batch:
            given[item].append(PREFERENCE[rollup.label(choice, task in swapped)])
            since[item] = min(submitted_at, since.get(item, submitted_at))
    return given, since


def as_evidence(campaign: Campaign, metric: str) -> dict[str, Any]:
    """`of_all_examples` as it is kept beside what people said."""
    found = of_all_examples(campaign, metric)
    if isinstance(found, Undefined):
        return {"metric": metric, "net_preference": found.as_json()}
    return {
        "metric": metric,
        "net_preference": found.estimate.as_json(),
        "weight": rounded(found.weight),
        "worth": round(found.worth),
        "metric_only": found.judged_only,
    }


def of_all_examples(campaign: Campaign, metric: str) -> Rectified | Undefined:
    """What people would have preferred over all examples of the experiment, as far as the metric tells: PPI++.

    The items of an experiment's campaign are a random sample of its examples, which the estimate needs.
    """
    assert campaign.experiment is not None
    if campaign.experiment.plan.groups is not None:
        return Undefined("examples of one group are not independent, which this estimate needs")
    found = said(campaign, metric)
    if not found.others:
        return Undefined("people judged all examples of which the metric says something")
    return rectified_mean(found.people, found.metric, found.others)
