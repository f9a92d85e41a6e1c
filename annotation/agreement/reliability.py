"""Acts: count what people have said, look at it, keep the coefficient that decides, and tell the leads, once, that
people agree less than was asked for, while something can be done about it."""

import datetime as dt

from annotation import messages
from annotation.agreement import figures, findings, human_rule, kept_figures, pairs, rollup
from annotation.models import AgreementState, Campaign, CampaignStatus
from evaltrack.notifications import outbox
from evaltrack.stats.estimate import Estimate, Undefined, from_json
from experiments import gates

OfPairs = pairs.Findings | kept_figures.Figures


def count_and_look(campaign: Campaign, *, at: dt.datetime) -> None:
    """Take what became final since the last time into what is kept: sums, or the figures themselves where judgments
    were made elsewhere."""
    if count(campaign, at=at):
        look(campaign.pk, at=at)


def count(campaign: Campaign, *, at: dt.datetime) -> bool:
    """Whether there was anything."""
    if not campaign.imports.exists():
        return rollup.roll_up(campaign.pk, at=at) > 0
    is_final = figures.may_be_told(campaign)
    if kept_figures.of(campaign, is_final=is_final, at=at):
        return False
    kept_figures.keep(campaign, lambda: figures.with_imports(campaign, at=at), is_final=is_final, at=at)
    return True


def look(campaign_id: int, *, at: dt.datetime) -> bool:
    """Keep the deciding coefficient of a campaign about pairs for lists, and warn; whether leads were told."""
    campaign = Campaign.objects.select_related("rubric", "experiment").get(pk=campaign_id)
    found = figures.of(campaign, at=at)
    if isinstance(found, findings.Findings):
        return False
    keep(campaign, found)
    return warn(campaign, found, at=at)


def keep(campaign: Campaign, found: OfPairs) -> None:
    rule = human_rule.of(campaign)
    shown = found.coefficient(rule.coefficient)
    AgreementState.objects.filter(campaign=campaign).update(
        deciding={
            "coefficient": rule.coefficient,
            "floor": rule.floor,
            "agreement": shown.as_json(),
            "usable": gates.usable(shown, rule.floor),
        }
    )


def warn(campaign: Campaign, found: OfPairs, *, at: dt.datetime) -> bool:
    """Whether the deciding coefficient lies under its floor with its whole interval, of a campaign that asks people.

    Looked at each minute, so by the interval that holds at every look; that of a mean over pairs of evaluators is
    not known, and Krippendorff's alpha stands in for it. Once for each version of the rubric: another wording may
    mend it.
    """
    if campaign.status != CampaignStatus.OPEN or campaign.is_simulated:
        return False
    rule = human_rule.of(campaign)
    shown = deciding(found.any_time, rule.coefficient)
    if not isinstance(shown, Estimate) or shown.ci_high is None or shown.ci_high >= rule.floor:
        return False
    people = outbox.holders("lead")
    if campaign.experiment:
        people.append(campaign.experiment.component.owner)
    outbox.post(messages.people_disagree(campaign, shown, rule.floor), to=people, at=at)
    return True


def deciding(any_time: dict[str, dict], coefficient: str) -> Estimate | Undefined:
    name = coefficient if coefficient in any_time else "krippendorff_alpha"
    return from_json(any_time[name])
