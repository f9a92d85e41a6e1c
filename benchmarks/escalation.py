"""How long four workers take to lead 10,000 overdue tasks up the ladder, and whether each step is taken once.

    DATABASE_URL=… EVALTRACK_VAR=… python -m tests.in_application benchmarks.escalation --tasks 10000

on an empty, migrated database. The workers are processes that start at the same moment, as four schedulers would.
"""

import argparse
import datetime as dt
import json
import multiprocessing
import time

from django.db import connection

from annotation import opening
from annotation.items import Item, ResponseItem
from annotation.models import Escalation
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from evaltrack.notifications.models import Notification

PAIR = (ResponseItem("one", "1"), ResponseItem("two", "2"))


def fill(tasks: int, campaigns: int, evaluators: int) -> None:
    """So many tasks in campaigns of the same size, all of them late for days."""
    at = clock.now()
    lead = person("bench-lead", Role.LEAD)
    for number in range(evaluators):
        person(f"bench-{number}", Role.EVALUATOR)
    opened = at - dt.timedelta(days=30)
    for number in range(campaigns):
        campaign = opening.open_stand_alone(
            name=f"Benchmark {number}", overlap=2, due_at=None, by=lead, at=opened
        )
        items = ((n, Item(f"item {n}", "What?", PAIR)) for n in range(tasks // campaigns))
        opening.add_items(campaign.pk, items, by=lead, at=opened)


def person(username: str, role: Role) -> User:
    user = User.objects.create(username=username)
    grants.grant(user, role, by=None, at=clock.now())
    return user


def work(start, told) -> None:
    connection.close()
    connection.ensure_connection()
    start.wait()
    began = time.monotonic()
    steps = escalation.escalate_overdue(at=clock.now())
    told.put((steps, time.monotonic() - began))


def measure(workers: int) -> dict:
    connection.close()
    start, told = multiprocessing.Barrier(workers + 1), multiprocessing.Queue()
    running = [multiprocessing.Process(target=work, args=(start, told)) for _ in range(workers)]
    for each in running:
        each.start()
    start.wait()
    began = time.monotonic()
    found = [told.get() for _ in running]
    seconds = time.monotonic() - began
    for each in running:
        each.join()
    return {
        "seconds": round(seconds, 2),
        "each_worker": sorted((steps, round(took, 2)) for steps, took in found),
        "rows": Escalation.objects.count(),
        "messages": Notification.objects.filter(dedupe_key__startswith="tasks-overdue").count(),
        "left": escalation.escalate_overdue(at=clock.now()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--campaigns", type=int, default=1)
    parser.add_argument("--evaluators", type=int, default=50)
    parser.add_argument("--workers", type=int, default=4)
    given = parser.parse_args()
    fill(given.tasks, given.campaigns, given.evaluators)
    print(json.dumps(vars(given) | measure(given.workers)))


if __name__ == "__main__":
    main()
