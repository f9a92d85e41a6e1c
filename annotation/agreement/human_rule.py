"""What is asked of a campaign's judgments before they are used."""

from annotation.models import Campaign
from experiments import suite


def of(campaign: Campaign) -> suite.HumanRule:
    """What the experiment's policy says, or the usual."""
    policy = suite.parse(campaign.experiment.policy.body).human if campaign.experiment else None
    return policy or suite.HumanRule()
