"""Agreement live in a campaign of a million judgments: one more judgment, all of them again, and the lead's page.

    DATABASE_URL=… EVALTRACK_VAR=… python -m tests.in_application benchmarks.agreement --judgments 1000000

on an empty, migrated PostgreSQL database, after `manage.py collectstatic`. Goals: one judgment more counted and every
pooled coefficient read with the pair that changed in 50 ms, all judgments read again in 10 s, and the page in 200 ms
(p95).
"""

import argparse
import json
import resource
import time
from collections.abc import Callable

from django.db import connection
from django.test import Client

from annotation import opening
from annotation.agreement import figures, rollup
from annotation.models import AgreementState, Campaign, Judgment
from annotation.sla import standing
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role

EACH = 5

# As if everybody had judged. Half of the pairs have a better response that four in five see; the rest are a toss.
FILL = (
    """INSERT INTO annotation_task (public_id, campaign_id, item, key, "group", prompt, prompt_format, stratum,
                                    contexts, media, due_at, is_calibration, exclusion_reason)
       SELECT gen_random_uuid(), %(campaign)s, 'item ' || n, md5(n::text), 'pair', 'What?', 'text',
              CASE %(strata)s WHEN 0 THEN '' ELSE 'stratum ' || n %% greatest(%(strata)s, 1) END, '[]', '[]',
              now() + interval '9 days', false, ''
       FROM generate_series(1, %(tasks)s) n""",
    """INSERT INTO annotation_response (task_id, ordinal, source, text, format, contexts, media)
       SELECT id, o, CASE o WHEN 0 THEN 'one' ELSE 'two' END, 'An answer.', 'text', '[]', '[]'
       FROM annotation_task, generate_series(0, 1) o WHERE campaign_id = %(campaign)s""",
    """INSERT INTO annotation_slot (task_id, campaign_id, ordinal, priority, order_key, places, due_at, state,
                                    holder_id)
       SELECT id, campaign_id, o, 0, id, CASE (id + o) %% 2 WHEN 0 THEN '01' ELSE '10' END, due_at, 'done',
              (%(people)s::bigint[])[(id + 37 * o) %% %(count)s + 1]
       FROM annotation_task, generate_series(0, %(each)s - 1) o WHERE campaign_id = %(campaign)s""",
    """INSERT INTO annotation_assignment (public_id, slot_id, campaign_id, task_id, evaluator_id, state,
                                          judgment_id, claimed_at, shown_at, lease_expires_at, ended_at, skip_reason)
       SELECT gen_random_uuid(), id, campaign_id, task_id, holder_id, 'submitted', gen_random_uuid(),
              now(), now(), now(), now(), ''
       FROM annotation_slot WHERE campaign_id = %(campaign)s""",
    """INSERT INTO annotation_judgment (public_id, assignment_id, slot_id, campaign_id, task_id, evaluator_id, choice,
                                        answers, rubric_id, places, comment, wall_ms, submitted_at, state, settled_at,
                                        is_counted)
       SELECT a.judgment_id, a.id, a.slot_id, a.campaign_id, a.task_id, a.evaluator_id,
              CASE WHEN random() < 0.15 THEN 'tie' WHEN random() < 0.05 THEN 'both_bad'
                   WHEN random() < CASE a.task_id %% 2 WHEN 0 THEN 0.8 ELSE 0.5 END THEN 'first' ELSE 'second' END,
              '{}', %(rubric)s, '01', '', 20000, now() - interval '1 hour', 'final', now() - interval '1 hour', true
       FROM annotation_assignment a WHERE a.campaign_id = %(campaign)s""",
    "ANALYZE",
)


def fill(judgments: int, evaluators: int, strata: int) -> tuple[Campaign, User]:
    at = clock.now()
    lead = person("bench-lead", Role.LEAD)
    people = [person(f"bench-{number}", Role.EVALUATOR).pk for number in range(evaluators)]
    campaign = opening.open_stand_alone(name="Benchmark", overlap=EACH, due_at=None, by=lead, at=at)
    given = {
        "campaign": campaign.pk,
        "rubric": campaign.rubric_id,
        "tasks": judgments // EACH,
        "each": EACH,
        "strata": strata,
        "people": people,
        "count": len(people),
    }
    with connection.cursor() as cursor:
        for sql in FILL:
            cursor.execute(sql, given)
    Campaign.objects.filter(pk=campaign.pk).update(task_count=judgments // EACH)
    campaign.refresh_from_db()
    return campaign, lead


def person(username: str, role: Role) -> User:
    user = User.objects.create(username=username)
    grants.grant(user, role, by=None, at=clock.now())
    return user


def measured(act: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - start)


def quantiles(spent: list[float]) -> dict[str, float]:
    ordered = sorted(spent)
    at = len(ordered) - 1
    return {"median_ms": round(ordered[at // 2], 1), "p95_ms": round(ordered[round(0.95 * at)], 1)}


def read_again(campaign: Campaign) -> dict[str, float]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    rollup.forget(campaign.pk)
    spent = measured(lambda: rollup.roll_up(campaign.pk, at=clock.now()))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": round(spent / 1000, 2), "memory_mb": round((after - before) / 1024)}


def one_more(campaign: Campaign, times: int) -> dict[str, dict[str, float]]:
    """Judgments that were final come back one by one."""
    chosen = list(
        Judgment.objects.filter(campaign=campaign).order_by("-pk").values_list("pk", flat=True)[:times]
    )
    Judgment.objects.filter(pk__in=chosen).update(state="undone", is_counted=False)
    rollup.forget(campaign.pk)
    rollup.roll_up(campaign.pk, at=clock.now())
    looked, counted, both = [], [], []

    def look() -> None:
        found = figures.of(campaign, at=clock.now())
        found.inter.as_json(lambda: found.cohen_kappa)
        ((_, _, table),) = found.tables(0, 1)
        assert table.sum()

    def count() -> None:
        assert rollup.roll_up(campaign.pk, at=clock.now()) == 1

    for pk in chosen:
        Judgment.objects.filter(pk=pk).update(state="final")
        looked.append(measured(look))
        counted.append(measured(count))
        both.append(counted[-1] + measured(look))
    assert AgreementState.objects.get(campaign=campaign).n_judgments == Judgment.objects.count()
    return {
        "look_while_it_is_not_counted": quantiles(looked),
        "count_it": quantiles(counted),
        "count_it_and_look": quantiles(both),
    }


def page(campaign: Campaign, lead: User, times: int) -> dict[str, float]:
    # As a worker does each minute.
    standing.count_open(at=clock.now())
    client = Client(SERVER_NAME="127.0.0.1")
    client.force_login(lead)

    def look() -> None:
        assert client.get(f"/campaigns/{campaign.public_id}/").status_code == 200

    look()
    return quantiles([measured(look) for _ in range(times)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judgments", type=int, default=1_000_000)
    parser.add_argument("--evaluators", type=int, default=200)
    parser.add_argument("--strata", type=int, default=0)
    parser.add_argument("--times", type=int, default=40)
    given = parser.parse_args()
    campaign, lead = fill(given.judgments, given.evaluators, given.strata)
    found = {
        "all_again": read_again(campaign),
        **one_more(campaign, given.times),
        "page": page(campaign, lead, given.times),
    }
    print(json.dumps(vars(given) | found, indent=1))


if __name__ == "__main__":
    main()
