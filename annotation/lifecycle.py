"""The state machines of this app, as tables."""

from annotation.models import CampaignStatus as C
from evaltrack.transitions import TransitionTable

CAMPAIGN = TransitionTable(C, {C.OPEN: {C.PAUSED, C.CLOSED}, C.PAUSED: {C.OPEN, C.CLOSED}})
