"""In a process of the application: `stage submit|drain|watch|look …`, on whatever database it is given."""

import json
import sys
import time

from django.db import OperationalError, connection

from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from experiments.models import Endpoint, EndpointShare, Experiment, OutputState
from experiments.running import scheduler
from tests.factories import experiments


def submit(base_url: str, examples: str, concurrency: str) -> dict:
    people = {}
    for name, role in (("owner", Role.OWNER), ("platform", Role.PLATFORM), ("custodian", Role.CUSTODIAN)):
        people[name] = User.objects.create(username=name)
        grants.grant(people[name], role, by=None, at=clock.now())
    experiment = experiments.submitted(
        **people,
        base_url=base_url,
        examples=int(examples),
        concurrency=int(concurrency),
        tier="extended",
        timeout_ms=2_000,
    )
    return {"experiment": experiment.public_id}


def drain() -> None:
    """As a worker does, until it is killed. A database that is away is waited for."""
    while True:
        try:
            scheduler.drain()
        except OperationalError:
            connection.close()
        time.sleep(0.1)


def watch() -> None:
    """The status as a line, twice a second; a database that is away says nothing."""
    while True:
        try:
            print(Experiment.objects.get().status, flush=True)
        except OperationalError:
            connection.close()
        time.sleep(0.5)


def look() -> dict:
    """How far it is, and what is wrong with what there is."""
    experiment = Experiment.objects.get()
    rows = list(
        experiment.outputs.values_list("run__version__version", "example_id", "state", "outcome", "text")
    )
    return {
        "status": experiment.status,
        "reason": experiment.reason,
        "outputs": len(rows),
        "done": sum(row[2] == OutputState.DONE for row in rows),
        "texts": [[version, example, outcome, text] for version, example, _, outcome, text in rows],
        "verdicts": experiment.verdicts.count(),
        "runs": experiment.runs.count(),
        "endpoints": Endpoint.objects.count(),
        "shares": EndpointShare.objects.filter(until__gt=clock.now()).count(),
    }


if __name__ == "__main__":
    act, *words = sys.argv[1:]
    said = {"submit": submit, "drain": drain, "watch": watch, "look": look}[act](*words)
    print(json.dumps(said))
