"""Act: drain the work of experiments, resuming whatever is there.

A call of `drain` works for at most a minute and may be killed at any line; calling it again, anywhere, goes
on where the rows say. Two drains at once share the work.
"""

import datetime as dt
import time

from django.conf import settings

from evaltrack import clock
from experiments.models import Experiment, Output, OutputState
from experiments.running import claims
from experiments.running.worker import Worker

# How far ahead a drain waits for work that is not due yet.
SOON_SECONDS = 5


def drain(*, patient: bool = True) -> None:
    """Work on every experiment that is due, most urgent lane first, until none can go on or time is up.

    Unless it is `patient`, it does not wait for what falls due in a moment.
    """
    deadline = time.monotonic() + settings.DRAIN_SECONDS
    with Worker() as worker:
        while time.monotonic() < deadline:
            claims.reap(at=clock.now())
            if not worker.work(deadline) and not (patient and soon()):
                return


def soon() -> bool:
    """Whether something falls due within seconds; waits a moment if so.

    A drain that waited longer would hold a worker that others need; the periodic wake-up comes anyway.
    """
    then = clock.now() + dt.timedelta(seconds=SOON_SECONDS)
    # Not those that are paused, or wait for longer: whatever of them is due is not asked for.
    due = Experiment.objects.due(then)
    outputs = Output.objects.filter(experiment__in=due)
    if (
        # A lease this near its end is not being renewed: its holder has died.
        outputs.filter(state=OutputState.LEASED, lease_until__lt=then).exists()
        or outputs.filter(state=OutputState.OPEN, not_before__lt=then).exists()
        or due.filter(next_attempt_at__isnull=False).exists()
    ):
        time.sleep(0.2)
        return True
    return False
