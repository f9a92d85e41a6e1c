"""The state machines of this app, as tables, and what a campaign's state allows."""

from annotation.models import Campaign, Protocol
from annotation.models import CampaignStatus as C
from evaltrack.errors import Conflict
from evaltrack.transitions import TransitionTable

CAMPAIGN = TransitionTable(C, {C.OPEN: {C.PAUSED, C.CLOSED}, C.PAUSED: {C.OPEN, C.CLOSED}})


def refuse_unless_filled_by_hand(campaign: Campaign) -> None:
    if campaign.experiment_id:
        raise Conflict("not_stand_alone", "This campaign's items are an experiment's; none can be added.")
    if campaign.status == C.CLOSED:
        raise Conflict("campaign_closed", "This campaign is closed; open a new one.")


def refuse_unless_importable(campaign: Campaign) -> None:
    if campaign.experiment_id:
        raise Conflict(
            "not_stand_alone",
            "Judgments that were made elsewhere are no evidence of an experiment; import them into a stand-alone "
            "campaign.",
        )
    if campaign.protocol != Protocol.PAIRWISE:
        raise Conflict(
            "not_pairwise",
            f"Judgments are imported into campaigns that compare pairs; the protocol of this one is "
            f"{campaign.protocol}.",
        )
    if campaign.status == C.CLOSED:
        raise Conflict("campaign_closed", "This campaign is closed; import into a new one.")
