"""Act: tell the leads, once, that people agree less than was asked for, while something can be done about it."""

import datetime as dt

from annotation import agreement, findings, human_rule, messages
from annotation.models import Campaign, CampaignStatus
from evaltrack.notifications import outbox
from evaltrack.stats.estimate import Estimate, Undefined, from_json


def warn(campaign_id: int, *, at: dt.datetime) -> bool:
    """Whether the deciding coefficient lies under its floor with its whole interval, of a campaign that asks people.

    Looked at each minute, so by the interval that holds at every look; that of a mean over pairs of evaluators is
    not known, and Krippendorff's alpha stands in for it. Once for each version of the rubric: another wording may
    mend it.
    """
    campaign = Campaign.objects.select_related("rubric", "experiment").get(pk=campaign_id)
    if campaign.status != CampaignStatus.OPEN or campaign.is_simulated:
        return False
    found = agreement.of(campaign, at=at)
    if isinstance(found, findings.Findings):
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
