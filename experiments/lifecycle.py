"""The state machines of this app, as tables."""

from evaltrack.transitions import TransitionTable
from experiments.models import ExperimentStatus as E
from experiments.models import PromotionStatus as P

EXPERIMENT = TransitionTable(
    E,
    {
        E.QUEUED: {E.RUNNING, E.WAITING, E.UNDECIDED, E.CANCELLED},
        E.RUNNING: {E.WAITING, E.AWAITING_PEOPLE, E.DECIDED, E.UNDECIDED, E.CANCELLED},
        E.WAITING: {E.WAITING, E.RUNNING, E.UNDECIDED, E.CANCELLED},
        E.AWAITING_PEOPLE: {E.DECIDED, E.CANCELLED},
    },
)

PROMOTION = TransitionTable(P, {P.OPEN: {P.APPROVED, P.REJECTED, P.WITHDRAWN}})
