"""A stand-alone campaign with people who judge it, made through the acts in a process of the application.

    people 8 --overlap 2      prints {"campaign": …, "tokens": […]}
    fill CAMPAIGN 10000       adds tasks until so many are open
    sweep 0.5                 ends leases every half second, until it is ended

each after `python -m tests.in_application tests.annotation.staged`. For servers whose database is their own:
DATABASE_URL and EVALTRACK_VAR say which.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator

from django.db import OperationalError, close_old_connections, connection

from annotation import jobs, opening
from annotation.items import read_items
from annotation.models import Campaign, Slot, SlotState
from evaltrack import clock
from evaltrack.accounts import grants, tokens
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission, Role

# One transaction each, as an upload is.
UPLOAD = 100_000
PROMPT = "Which of the two answers would help somebody who asks about case {n}? " * 4
# It does not name its source: such a task would be held for the lead.
ANSWER = "Answer {place} to case {n}: a few sentences of the length that assistants write. " * 8


def people(count: int, *, overlap: int) -> dict:
    at = clock.now()
    lead = person("bench-lead", Role.LEAD)
    campaign = opening.open_stand_alone(name="Benchmark", overlap=overlap, due_at=None, by=lead, at=at)
    evaluators = [person(f"bench-{number}", Role.EVALUATOR) for number in range(count)]
    for evaluator in evaluators:
        grants.accept_agreement(evaluator, at=at)
    return {
        "campaign": str(campaign.public_id),
        "tokens": [
            tokens.issue(each, name="benchmark", scopes=[Permission.JUDGE], by=None, at=at)
            for each in evaluators
        ],
    }


def person(username: str, role: Role) -> User:
    user = User.objects.create(username=username)
    grants.grant(user, role, by=None, at=clock.now())
    return user


def fill(public_id: str, wanted: int) -> dict:
    """Add tasks until so many are open; how many were added, and how long each upload took."""
    campaign = Campaign.objects.get(public_id=public_id)
    lead = campaign.opened_by
    assert lead is not None
    open_slots = Slot.objects.filter(campaign=campaign, state=SlotState.OPEN).count()
    missing = max(0, wanted - open_slots // campaign.overlap)
    first, uploads = campaign.tasks.count(), []
    for start in range(first, first + missing, UPLOAD):
        size = min(UPLOAD, first + missing - start)
        began = time.monotonic()
        lines = with_progress(start, size, already=start - first, of=missing)
        opening.add_items(campaign.pk, read_items(lines), by=lead, at=clock.now())
        uploads.append({"tasks": size, "seconds": round(time.monotonic() - began, 2)})
    analyze()
    return {"added": missing, "uploads": uploads}


def with_progress(start: int, size: int, *, already: int, of: int) -> Iterator[bytes]:
    is_terminal = sys.stderr.isatty()
    for place, n in enumerate(range(start, start + size), start=1):
        done = already + place
        if is_terminal and (done % 1000 == 0 or done == of):
            bar = "#" * (40 * done // of)
            print(f"\r  loading {bar:<40} {done:,} of {of:,}", end="", file=sys.stderr, flush=True)
        yield line(n)
    if is_terminal:
        print(file=sys.stderr)


def line(n: int) -> bytes:
    responses = [
        {"source": source, "text": ANSWER.format(place=source[-1], n=n)}
        for source in ("system-a", "system-b")
    ]
    return json.dumps({"item": f"case-{n}", "prompt": PROMPT.format(n=n), "responses": responses}).encode()


def analyze() -> None:
    """What autovacuum does a minute after such an upload."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def sweep(every_s: float) -> None:
    """What a worker does each minute, more often; it outlives restarts of the database."""
    while True:
        try:
            jobs.expire_leases()
            jobs.settle_judgments()
        except OperationalError:
            connection.close()
        close_old_connections()
        time.sleep(every_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    asked = commands.add_parser("people")
    asked.add_argument("count", type=int)
    asked.add_argument("--overlap", type=int, default=1)
    asked = commands.add_parser("fill")
    asked.add_argument("campaign")
    asked.add_argument("wanted", type=int)
    asked = commands.add_parser("sweep")
    asked.add_argument("every_s", type=float)
    given = parser.parse_args()
    if given.command == "people":
        print(json.dumps(people(given.count, overlap=given.overlap)))
    elif given.command == "fill":
        print(json.dumps(fill(given.campaign, given.wanted)))
    else:
        sweep(given.every_s)


if __name__ == "__main__":
    main()
