"""How long an export of so many judgments takes, and how much memory.

    DATABASE_URL=… EVALTRACK_VAR=… python -m tests.in_application benchmarks.exports --judgments 100000 1000000

on an empty, migrated database. Each export is read in a process of its own, part by part, as the web server sends it.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

from django.db import connection

from annotation import exports, opening
from annotation.models import Campaign, CampaignStatus
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role

OVERLAP, PEOPLE = 4, 40
COMMENT = "The first one names the right number of days, the second one does not."
# What the two databases write differently.
WORDS = {
    "sqlite": {"uuid": "lower(hex(randomblob(16)))", "list": "'[]'", "object": "'{}'"},
    "postgresql": {"uuid": "gen_random_uuid()", "list": "'[]'::jsonb", "object": "'{}'::jsonb"},
}
# As if everybody had judged in turn: judging would take hours, and the export reads nothing else of it.
FILL = (
    """INSERT INTO annotation_task (public_id, campaign_id, item, key, "group", prompt, prompt_format, stratum,
                                    contexts, media, due_at, is_calibration, exclusion_reason)
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {tasks})
       SELECT {uuid}, {campaign}, 'item ' || i, 'key ' || i, 'g', 'How long may goods be sent back?', 'text', '',
              {list}, {list}, %(at)s, FALSE, '' FROM n""",
    """INSERT INTO annotation_response (task_id, ordinal, source, text, format, contexts, media)
       SELECT t.id, o.i, CASE o.i WHEN 0 THEN 'system-one' ELSE 'system-two' END, 'Within 60 days.', 'text', {list},
              {list}
       FROM annotation_task t, (SELECT 0 AS i UNION ALL SELECT 1) o WHERE t.campaign_id = {campaign}""",
    """INSERT INTO annotation_slot (task_id, campaign_id, ordinal, priority, order_key, places, due_at, state,
                                    holder_id)
       SELECT t.id, {campaign}, o.i, 0, o.i, CASE (t.id + o.i) %% 2 WHEN 0 THEN '01' ELSE '10' END, %(at)s, 'done',
              u.id
       FROM annotation_task t
       JOIN (SELECT 0 AS i UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) o ON TRUE
       JOIN accounts_user u ON u.username = 'bench-' || ((t.id + o.i) %% {people})
       WHERE t.campaign_id = {campaign}""",
    """INSERT INTO annotation_assignment (public_id, slot_id, campaign_id, task_id, evaluator_id, state, judgment_id,
                                          claimed_at, shown_at, lease_expires_at, ended_at, skip_reason)
       SELECT {uuid}, id, campaign_id, task_id, holder_id, 'submitted', {uuid}, %(at)s, %(at)s, %(at)s, %(at)s, ''
       FROM annotation_slot WHERE campaign_id = {campaign}""",
    """INSERT INTO annotation_judgment (public_id, assignment_id, slot_id, campaign_id, task_id, evaluator_id, choice,
                                        answers, rubric_id, places, comment, active_ms, wall_ms, submitted_at, state,
                                        settled_at)
       SELECT a.judgment_id, a.id, a.slot_id, a.campaign_id, a.task_id, a.evaluator_id,
              CASE a.id %% 4 WHEN 0 THEN 'first' WHEN 1 THEN 'second' WHEN 2 THEN 'tie' ELSE 'both_bad' END,
              {object}, {rubric}, s.places, CASE a.id %% 3 WHEN 0 THEN %(comment)s ELSE '' END, 9000, 12000, %(at)s,
              'final', %(at)s
       FROM annotation_assignment a JOIN annotation_slot s ON s.id = a.slot_id WHERE a.campaign_id = {campaign}""",
    "ANALYZE",
)  # fmt: skip


def person(username: str, role: Role) -> User:
    user, is_new = User.objects.get_or_create(username=username)
    if is_new:
        grants.grant(user, role, by=None, at=clock.now())
    return user


def filled(judgments: int, *, by: User) -> Campaign:
    """A closed campaign with so many judgments."""
    at = clock.now()
    campaign = opening.open_stand_alone(
        name=f"{judgments} judgments", overlap=OVERLAP, due_at=None, by=by, at=at
    )
    names = {
        "campaign": campaign.pk,
        "rubric": campaign.rubric_id,
        "tasks": judgments // OVERLAP,
        "people": PEOPLE,
        **WORDS[connection.vendor],
    }
    given = {"at": connection.ops.adapt_datetimefield_value(at), "comment": COMMENT}
    with connection.cursor() as cursor:
        for sql in FILL:
            cursor.execute(sql.format(**names), given if "%(" in sql else None)
    Campaign.objects.filter(pk=campaign.pk).update(status=CampaignStatus.CLOSED, closed_by=by, closed_at=at)
    assert campaign.judgments.count() == judgments
    return campaign


def read(public_id: str, format: str, username: str) -> dict:
    """In a process that does nothing else."""
    campaign = Campaign.objects.select_related("rubric").get(public_id=public_id)
    before = peak_mb()
    began, cpu = time.monotonic(), time.process_time()
    file = exports.opened(campaign, format=format, by=User.objects.get(username=username), at=clock.now())
    size = first = 0.0
    for part in file.parts:
        first = first or time.monotonic() - began
        size += len(part.encode())
    return {
        "format": format,
        "seconds": round(time.monotonic() - began, 1),
        "cpu_s": round(time.process_time() - cpu, 1),
        "first_part_s": round(first, 2),
        "mb": round(size / 1e6, 1),
        "memory_mb": round(peak_mb()),
        "more_than_before_mb": round(peak_mb() - before, 1),
    }


def peak_mb() -> float:
    """The most that this process has held; what `getrusage` says begins with the parent's."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def measured(campaign: Campaign, by: User) -> list[dict]:
    found = []
    for format in exports.FORMATS:
        words = [
            "benchmarks.exports",
            "--read",
            str(campaign.public_id),
            "--format",
            format,
            "--by",
            by.username,
        ]
        command = [sys.executable, "-m", "tests.in_application", *words]
        found.append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, nargs="+", default=[100_000])
    parser.add_argument("--read", help="the id of a campaign: measure one export of it in this process")
    parser.add_argument("--format", choices=list(exports.FORMATS), default="jsonl")
    parser.add_argument("--by")
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read(given.read, given.format, given.by)))
        return
    by = person("bench-lead", Role.LEAD)
    for number in range(PEOPLE):
        person(f"bench-{number}", Role.EVALUATOR)
    for judgments in given.judgments:
        began = time.monotonic()
        campaign = filled(judgments, by=by)
        filling = round(time.monotonic() - began)
        for row in measured(campaign, by):
            print(
                json.dumps(
                    {"database": connection.vendor, "judgments": judgments, "filled_s": filling, **row}
                )
            )


if __name__ == "__main__":
    main()
