"""The lead's desk and the minute's jobs over large campaigns: CPU and wall-clock milliseconds, and SQL statements.

    DATABASE_URL=… EVALTRACK_VAR=… python -m tests.in_application benchmarks.desk quality --judgments 10000
    … conflicts --judgments 1000000
    … protocol rating --judgments 100000
    … minute --campaigns 200 --tasks 500

on a migrated PostgreSQL database, after `manage.py collectstatic`; each makes a campaign of its own. CPU is that of
this process, without the database's.
"""

import argparse
import gc
import json
import resource
import time
from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation import jobs, opening
from annotation.models import Campaign, Hearing, HearingState
from annotation.settling import conflicts, hearings
from benchmarks.agreement import quantiles
from evaltrack import clock
from evaltrack.accounts import grants, skills
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role

EACH = 5
RESPONSES = {"pairwise": 2, "rating": 1, "ranking": 3, "spans": 1}
SYSTEMS = 3
# Half of the tasks have an answer that four in five see; the rest are a toss.
KNOWN = "random() < CASE a.task_id %% 2 WHEN 0 THEN 0.8 ELSE 0.5 END"
SAID = {
    "pairwise": (
        "choice",
        f"""CASE WHEN random() < 0.15 THEN 'tie' WHEN random() < 0.05 THEN 'both_bad'
                 WHEN {KNOWN} THEN 'first' ELSE 'second' END""",
    ),
    "rating": (
        "rating",
        f"""CASE WHEN {KNOWN} THEN 1 + a.task_id %% 5 ELSE 1 + floor(random() * 5) END::int""",
    ),
    "ranking": (
        "ranking",
        f"""(CASE WHEN {KNOWN} THEN '[[0], [1], [2]]' WHEN random() < 0.5 THEN '[[1], [0, 2]]'
                  ELSE '[[2], [1], [0]]' END)::jsonb""",
    ),
    "spans": (
        "spans",
        f"""(CASE WHEN {KNOWN} THEN '[]'
                  ELSE '[{{"start": 0, "end": 2, "reason": "wrong", "severity": "minor"}}]' END)::jsonb""",
    ),
}
TASKS = (
    """INSERT INTO annotation_task (public_id, campaign_id, item, key, "group", prompt, prompt_format, stratum,
                                    contexts, media, due_at, is_calibration, exclusion_reason)
       SELECT gen_random_uuid(), %(campaign)s, 'item ' || n, md5(n::text), 'group', 'What?', 'text', '', '[]', '[]',
              now() + interval '9 days', false, ''
       FROM generate_series(1, %(tasks)s) n""",
    """INSERT INTO annotation_response (task_id, ordinal, source, text, format, contexts, media)
       SELECT id, o, 'system ' || (id + o) %% %(systems)s, 'An answer.', 'text', '[]', '[]'
       FROM annotation_task, generate_series(0, %(responses)s - 1) o WHERE campaign_id = %(campaign)s""",
    """INSERT INTO annotation_slot (task_id, campaign_id, ordinal, priority, order_key, places, due_at, state,
                                    holder_id)
       SELECT id, campaign_id, o, 0, id, substr(%(places)s, 1 + (id + o)::int %% 2 * %(responses)s, %(responses)s),
              due_at, CASE WHEN id %% 100 < %(percent)s THEN 'done' ELSE 'open' END,
              CASE WHEN id %% 100 < %(percent)s THEN (%(people)s::bigint[])[(id + 37 * o) %% %(count)s + 1] END
       FROM annotation_task, generate_series(0, %(each)s - 1) o WHERE campaign_id = %(campaign)s""",
    """INSERT INTO annotation_assignment (public_id, slot_id, campaign_id, task_id, evaluator_id, state,
                                          judgment_id, claimed_at, shown_at, lease_expires_at, ended_at, skip_reason)
       SELECT gen_random_uuid(), id, campaign_id, task_id, holder_id, 'submitted', gen_random_uuid(),
              now(), now(), now(), now(), ''
       FROM annotation_slot WHERE campaign_id = %(campaign)s AND state = 'done'""",
)
JUDGMENTS = """INSERT INTO annotation_judgment (public_id, assignment_id, slot_id, campaign_id, task_id, evaluator_id,
                                        {column}, answers, rubric_id, places, comment, wall_ms, submitted_at, state,
                                        settled_at, is_counted)
       SELECT a.judgment_id, a.id, a.slot_id, a.campaign_id, a.task_id, a.evaluator_id, {said}, '{{}}', %(rubric)s,
              s.places, '', 15000 + random() * 20000, w, 'final', w + interval '1 minute', false
       FROM annotation_assignment a JOIN annotation_slot s ON s.id = a.slot_id,
            LATERAL (SELECT now() - interval '3 days' + (a.id - %(first)s) * %(apart)s * interval '1 second' AS w) t
       WHERE a.campaign_id = %(campaign)s"""


def person(username: str, role: Role) -> User:
    """Who is there already from an earlier run stays the same."""
    user, is_new = User.objects.get_or_create(username=username)
    if is_new:
        grants.grant(user, role, by=None, at=clock.now())
        grants.accept_agreement(user, at=clock.now()) if role == Role.EVALUATOR else None
    return user


def campaign_of(
    judgments: int, evaluators: int, *, protocol: str = "pairwise", percent: int = 100, analyze: bool = True
) -> tuple[Campaign, User]:
    """As if people had judged so many per cent of its tasks."""
    at = clock.now()
    lead = person("bench-lead", Role.LEAD)
    people = [person(f"bench-{number}", Role.EVALUATOR).pk for number in range(evaluators)]
    campaign = opening.open_stand_alone(
        name="Benchmark", overlap=EACH, due_at=None, by=lead, at=at, protocol=protocol
    )
    places = "".join(map(str, range(RESPONSES[protocol])))
    given: dict[str, Any] = {
        "campaign": campaign.pk,
        "rubric": campaign.rubric_id,
        "tasks": judgments // EACH,
        "each": EACH,
        "people": people,
        "count": len(people),
        "percent": percent,
        "responses": RESPONSES[protocol],
        "systems": max(SYSTEMS if protocol != "pairwise" else 2, RESPONSES[protocol]),
        "places": places + places[::-1],
        "apart": 2 * 86_400 / max(judgments, 1),
    }
    column, said = SAID[protocol]
    with connection.cursor() as cursor:
        for sql in TASKS:
            cursor.execute(sql, given)
        cursor.execute("SELECT min(id) FROM annotation_assignment WHERE campaign_id = %s", [campaign.pk])
        given["first"] = (cursor.fetchone() or [0])[0] or 0
        cursor.execute(JUDGMENTS.format(column=column, said=said), given)
        if analyze:
            cursor.execute("ANALYZE")
    Campaign.objects.filter(pk=campaign.pk).update(task_count=judgments // EACH)
    campaign.refresh_from_db()
    return campaign, lead


def measured(act: Callable[[], Any], times: int = 1) -> dict[str, Any]:
    """Quantiles in milliseconds, and statements of the last time."""
    wall, cpu = [], []
    for _ in range(times):
        start, started = time.perf_counter(), time.process_time()
        act()
        wall.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - started))
    with CaptureQueriesContext(connection) as captured:
        act()
    return {"wall": quantiles(wall), "cpu": quantiles(cpu), "statements": len(captured)}


def fetching(lead: User, address: str) -> Callable[[], None]:
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(lead)

    def look() -> None:
        answer = client.get(address)
        assert answer.status_code == 200, answer.content[:500]

    look()
    # As the server does.
    gc.collect()
    gc.freeze()
    return look


def quality(given: argparse.Namespace) -> dict[str, Any]:
    campaign, lead = campaign_of(given.judgments, given.evaluators)
    return {
        "page": measured(fetching(lead, f"/campaigns/{campaign.public_id}/evaluators/"), given.times),
    }


def conflict_pages(given: argparse.Namespace) -> dict[str, Any]:
    campaign, lead = campaign_of(given.judgments, given.evaluators)
    senior = person("bench-senior", Role.EVALUATOR)
    skills.grant(senior, skills.named(skills.ADJUDICATION), by=lead, at=clock.now())

    def claim() -> None:
        found = hearings.claim_next(senior, at=clock.now(), campaign=campaign.public_id)
        assert isinstance(found, Hearing), found
        hearings.end(found, HearingState.RELEASED, at=clock.now())

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = {
        "claim": measured(claim, given.times),
        "page": measured(fetching(lead, f"/campaigns/{campaign.public_id}/conflicts/"), given.times),
        "api": measured(fetching(lead, f"/api/v1/campaigns/{campaign.public_id}/conflicts"), given.times),
    }
    assert conflicts.is_large(campaign)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**found, "memory_mb": round((after - before) / 1024)}


def protocol(given: argparse.Namespace) -> dict[str, Any]:
    campaign, lead = campaign_of(given.judgments, given.evaluators, protocol=given.name)
    found = {"minute": measured(jobs.roll_up_agreement)}
    addresses = {
        "page": f"/campaigns/{campaign.public_id}/",
        "api": f"/api/v1/campaigns/{campaign.public_id}/agreement",
    }
    return found | {
        name: measured(fetching(lead, address), given.times) for name, address in addresses.items()
    }


def minute(given: argparse.Namespace) -> dict[str, Any]:
    for _ in range(given.campaigns):
        campaign_of(given.tasks * EACH, given.evaluators, percent=50, analyze=False)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    every = [
        jobs.open_campaigns, jobs.expire_leases, jobs.settle_judgments, jobs.roll_up_agreement, jobs.suspend_gold,
        jobs.count_standing, jobs.extend_overlap, jobs.ask_again, jobs.escalate_overdue,
    ]  # fmt: skip
    for job in every:  # what is new is counted once
        job()
    return {job.__name__: measured(job) for job in every}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, act in (
        ("quality", quality),
        ("conflicts", conflict_pages),
        ("protocol", protocol),
        ("minute", minute),
    ):
        asked = commands.add_parser(name)
        asked.set_defaults(act=act)
        asked.add_argument("--evaluators", type=int, default=200)
        asked.add_argument("--times", type=int, default=20)
        if name == "minute":
            asked.add_argument("--campaigns", type=int, default=200)
            asked.add_argument("--tasks", type=int, default=500)
        else:
            asked.add_argument("--judgments", type=int, default=100_000)
        if name == "protocol":
            asked.add_argument("name", choices=["rating", "ranking", "spans"])
    given = parser.parse_args()
    print(json.dumps(given.act(given), indent=1))


if __name__ == "__main__":
    main()
