"""Which experiment is asked before which: workers go by it, and the page of the run queue shows it."""

from experiments.models import Experiment, Lane

# So many failed attempts in a row, and an experiment waits behind the others.
FAILING = 3
LANE_RANK = {Lane.GATE: 0, Lane.STANDARD: 1, Lane.EXTENDED: 2}


def urgency(experiment: Experiment) -> tuple[bool, int]:
    # What keeps failing stands behind what does not, whatever its lane.
    return experiment.failed_attempts >= FAILING, LANE_RANK[Lane(experiment.lane)]
