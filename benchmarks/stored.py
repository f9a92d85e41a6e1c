"""What the database says about a benchmark, asked in a process of the application.

    check < acknowledged.json     duplicates, and what was acknowledged and is not there
    statements CAMPAIGN TOKEN     SQL statements of one claim and of one submit
    version                       the database and its version
    mark-done CAMPAIGN 90         so many percent done, by SQL, of a campaign just filled

each after `python -m tests.in_application benchmarks.stored`.
"""

import json
import sys

from django.db import connection
from django.db.models import Count
from django.test import Client
from django.test.utils import CaptureQueriesContext

from annotation import querysets
from annotation.models import Campaign, Judgment
from evaltrack.accounts.models import User

NOT_COUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE SAVEPOINT")

# As if everybody had judged in turn. Judging would take hours, and the claim reads nothing else of it.
MARK_DONE = (
    """UPDATE annotation_slot SET state = 'done',
              holder_id = (%(people)s::bigint[])[(task_id + ordinal) %% %(count)s + 1]
       WHERE campaign_id = %(campaign)s AND state = 'open' AND id %% 100 < %(percent)s""",
    """INSERT INTO annotation_assignment (public_id, slot_id, campaign_id, task_id, evaluator_id, state,
                                          judgment_id, claimed_at, shown_at, lease_expires_at, ended_at, skip_reason)
       SELECT gen_random_uuid(), id, campaign_id, task_id, holder_id, 'submitted', gen_random_uuid(),
              now(), now(), now(), now(), ''
       FROM annotation_slot WHERE campaign_id = %(campaign)s AND state = 'done'
       AND NOT EXISTS (SELECT 1 FROM annotation_assignment a WHERE a.slot_id = annotation_slot.id)""",
    """INSERT INTO annotation_judgment (public_id, assignment_id, slot_id, campaign_id, task_id, evaluator_id,
                                        choice, answers, places, comment, wall_ms, submitted_at,
                                        state, settled_at)
       SELECT a.judgment_id, a.id, a.slot_id, a.campaign_id, a.task_id, a.evaluator_id, 'tie',
              '{}', '01', '', 1, now(), 'final', now()
       FROM annotation_assignment a WHERE a.campaign_id = %(campaign)s AND a.state = 'submitted'
       AND NOT EXISTS (SELECT 1 FROM annotation_judgment j WHERE j.assignment_id = a.id)""",
)


def check(acknowledged: list[str]) -> dict[str, int]:
    standing = querysets.standing_judgments().order_by()

    def repeated(*fields: str) -> int:
        return standing.values(*fields).annotate(n=Count("pk")).filter(n__gt=1).count()

    batches = [acknowledged[start : start + 500] for start in range(0, len(acknowledged), 500)]
    stored = sum(Judgment.objects.filter(public_id__in=batch).count() for batch in batches)
    return {
        "acknowledged": len(acknowledged),
        "acknowledged_twice": len(acknowledged) - len(set(acknowledged)),
        "acknowledged_not_stored": len(set(acknowledged)) - stored,
        "slots_with_two": repeated("slot"),
        "task_and_evaluator_twice": repeated("task", "evaluator"),
    }


def statements(campaign: str, token: str) -> dict[str, list[str]]:
    """Of a request as the server answers it; the first round warms what is kept between requests."""
    # Not "testserver", which the application does not know.
    client = Client(headers={"Authorization": f"Bearer {token}"}, SERVER_NAME="127.0.0.1")

    def post(path: str, body: dict) -> tuple[dict, list[str]]:
        with CaptureQueriesContext(connection) as captured:
            answer = client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json")
        assert answer.status_code in (200, 201), answer.content
        said = [query["sql"] for query in captured.captured_queries]
        return answer.json(), [sql for sql in said if not sql.startswith(NOT_COUNTED)]

    for _ in range(2):
        task, claim = post("queue/next", {"campaign": campaign})
        answer = {"judgment_id": task["judgment_id"], "preference": 1}
        _, submit = post(f"assignments/{task['assignment']}/judgment", answer)
    return {"claim": claim, "submit": submit}


def mark_done(public_id: str, percent: int) -> int:
    campaign = Campaign.objects.get(public_id=public_id)
    people = list(
        User.objects.filter(username__startswith="bench-", role_grants__role="evaluator")
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    given = {"campaign": campaign.pk, "percent": percent, "people": people, "count": len(people)}
    with connection.cursor() as cursor:
        for sql in MARK_DONE:
            cursor.execute(sql, given)
        changed = cursor.rowcount
        cursor.execute("ANALYZE")
    return changed


def main() -> None:
    command, *words = sys.argv[1:]
    if command == "check":
        print(json.dumps(check(json.load(sys.stdin))))
    elif command == "version":
        connection.ensure_connection()
        number = ".".join(map(str, connection.get_database_version()))
        print(json.dumps(f"{connection.display_name} {number}"))
    elif command == "statements":
        print(json.dumps(statements(*words)))
    else:
        print(json.dumps(mark_done(words[0], int(words[1]))))


if __name__ == "__main__":
    main()
