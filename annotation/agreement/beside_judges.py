"""Judges that are models, beside the people who judged the same items of an experiment. For reading alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotation.agreement import beside_metric
from annotation.models import Campaign, CampaignStatus
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.judge import BesidePeople, beside_people, judge_bias
from experiments import leanings


@dataclass(frozen=True)
class Beside:
    """`agreement`: which answer is better, or neither, by the judge and by a person, beside two people. `bias`: by
    how much more than people the judge prefers the candidate, from −2 to 2."""

    metric: str
    judge: str
    items: int
    agreement: BesidePeople
    bias: Estimate | Undefined

    def as_json(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "judge": self.judge,
            "items": self.items,
            "judge_and_person": self.agreement.judge.as_json(),
            "people": self.agreement.people.as_json(),
            "difference": self.agreement.difference.as_json(),
            "bias": self.bias.as_json(),
        }


def of(campaign: Campaign) -> list[Beside]:
    """Of each metric by a judge in the plan of the campaign's experiment; nothing before the campaign is closed, as
    it would tell what people prefer, nor of judgments that programs gave."""
    experiment = campaign.experiment
    if experiment is None or campaign.status != CampaignStatus.CLOSED or campaign.is_simulated:
        return []
    judges = experiment.plan.body.get("judges", {})
    if not judges:
        return []
    given = beside_metric.given(campaign)
    return [
        beside(metric, judge["judge"], leanings.leanings(experiment, metric), given)
        for metric, judge in judges.items()
    ]


def beside(metric: str, judge: str, leaning: Mapping[str, float], given: Mapping[str, list[float]]) -> Beside:
    both = [item for item in given if item in leaning]
    numbers: dict[float, int] = {-1.0: 0, 0.0: 1, 1.0: 2}
    labels = [(place, numbers[each]) for place, item in enumerate(both) for each in given[item]]
    return Beside(
        metric=metric,
        judge=judge,
        items=len(both),
        agreement=beside_people(
            [place for place, _ in labels],
            [label for _, label in labels],
            [numbers[leaning[item]] for item in both],
        ),
        bias=judge_bias(
            [sum(given[item]) / len(given[item]) for item in both],
            [leaning[item] for item in both],
            scale=(-1, 1),
        ),
    )
