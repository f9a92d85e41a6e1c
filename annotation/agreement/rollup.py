"""Acts: keep the sums of a campaign's judgments up to date, a few at a time and never in the judgment's transaction.

A judgment is counted once: it is marked in the transaction that adds it to the sums, under a lock of their row. What
takes counted judgments away (a revision that asks again, tasks left out) calls `forget` in its own transaction, and
all are then read again.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from annotation import judging, querysets, rubrics
from annotation.agreement.compared import HEADLINE, SEED, Statistic
from annotation.agreement.tally import Ballots, Pair, Tables, Tally, moved
from annotation.models import (
    AgreementPair,
    AgreementState,
    Campaign,
    Judgment,
    JudgmentImport,
    JudgmentState,
    Protocol,
    Response,
    Rubric,
)
from evaltrack.stats.kappa import kappas

BATCH = 5_000
# Grown by this much, the spread over items is estimated again, and with it all that is derived.
READ_AGAIN = 1.5
SUMS = ("is_stale", "body", "n_judgments", "spread", "n_when_read", "by_rubric", "counted_at")


def forget(campaign_id: int) -> None:
    """The sums are not what judgments say any more. Inside the caller's transaction."""
    AgreementState.objects.update_or_create(campaign_id=campaign_id, defaults={"is_stale": True})


def roll_up(campaign_id: int, *, at: dt.datetime) -> int:
    """Count what became final since the last time, in batches; how many judgments. Again, it counts nothing twice."""
    judging.settle_old(at=at)
    if not Campaign.objects.filter(pk=campaign_id, protocol=Protocol.PAIRWISE).exists():
        return 0
    AgreementState.objects.get_or_create(campaign_id=campaign_id)
    total = 0
    while True:
        with transaction.atomic():
            state = AgreementState.objects.select_for_update().get(campaign=campaign_id)
            # Under the lock, which a revision waits for: its rubric says which questions are counted.
            campaign = Campaign.objects.select_related("rubric").get(pk=campaign_id)
            if state.is_stale or to_be_read_again(state):
                return total + rebuild(campaign, state, at=at)
            added = count_further(campaign, state, at=at)
        total += added
        if added < BATCH:
            return total


def waiting(*, at: dt.datetime) -> list[int]:
    """Campaigns about pairs with judgments that are not counted, or counted wrongly."""
    # Row by row of a campaign, as of ratings, gold and what was left out nothing is ever counted.
    new = counting(querysets.standing_judgments(), OuterRef("pk")).filter(
        querysets.settled(at), is_counted=False
    )
    stale = AgreementState.objects.filter(is_stale=True)
    found = Campaign.objects.filter(
        Exists(new)
        | Q(pk__in=stale.values("campaign"))
        | Q(agreement_state=None, pk__in=JudgmentImport.objects.values("campaign")),
        protocol=Protocol.PAIRWISE,
    )
    return list(found.values_list("pk", flat=True))


def to_be_read_again(state: AgreementState) -> bool:
    return state.n_judgments > READ_AGAIN * max(state.n_when_read, BATCH)


def uncounted(campaign: Campaign) -> QuerySet[Judgment]:
    """Judgments that enter figures and are not in the sums yet. The order of conditions is that of their index."""
    return of_campaign(campaign).filter(is_counted=False)


def of_campaign(campaign: Campaign) -> QuerySet[Judgment]:
    """All judgments that enter figures, but for whether they can still be undone."""
    return counting(querysets.standing_judgments(), campaign)


def counting(judgments: QuerySet[Judgment], campaign: Campaign | OuterRef) -> QuerySet[Judgment]:
    return querysets.for_statistics(judgments).filter(
        campaign=campaign, task__excluded_at=None, task__gold=None
    )


def count_further(campaign: Campaign, state: AgreementState, *, at: dt.datetime) -> int:
    """One batch. Inside the caller's transaction, which holds `state`."""
    final = uncounted(campaign).filter(state=JudgmentState.FINAL)
    new = list(final.order_by("pk").values_list("pk", flat=True)[:BATCH])
    # Marked first and then read, so that what is read is what is marked, whatever others write meanwhile.
    if not new or not Judgment.objects.filter(pk__in=new, state=JudgmentState.FINAL).update(is_counted=True):
        return 0
    counted = of_campaign(campaign).filter(is_counted=True)
    theirs = counted.filter(task__item__in=items_of(new))
    before, after = around(campaign, theirs, new)
    save(state, Tally.from_json(state.body).changed(before, after), at=at)
    changed = {*before.pairs, *after.pairs}
    store_pairs(campaign, moved(tables_of(campaign, changed), before.pairs, after.pairs))
    return len(new)


def rebuild(campaign: Campaign, state: AgreementState, *, at: dt.datetime) -> int:
    """From all judgments. Inside the caller's transaction, which holds `state`."""
    uncounted(campaign).filter(state=JudgmentState.FINAL).order_by().update(is_counted=True)
    ballots = read(campaign, of_campaign(campaign).filter(is_counted=True))
    found = ballots.tally()
    AgreementPair.objects.filter(campaign=campaign).delete()
    store_pairs(campaign, found.pairs)
    state.is_stale, state.spread, state.n_when_read = False, ballots.spread(), found.n_judgments
    state.by_rubric = by_rubric(campaign)
    save(state, found, at=at)
    return found.n_judgments


def save(state: AgreementState, found: Tally, *, at: dt.datetime) -> None:
    state.body, state.n_judgments, state.counted_at = found.as_json(), found.n_judgments, at
    # What `reliability` keeps beside them is its own.
    state.save(update_fields=SUMS)


def by_rubric(campaign: Campaign) -> list[dict[str, Any]]:
    """Before and after a revision: alpha by each version, also over what counts no more. Without one, nothing."""
    if campaign.earlier_rubric_id is None:
        return []
    final = [JudgmentState.FINAL, JudgmentState.SUPERSEDED]
    given = counting(Judgment.objects.filter(state__in=final), campaign)
    versions = Rubric.objects.filter(pk__in=given.order_by().values("rubric")).order_by("version")
    rows = []
    for rubric in versions:
        found = read(campaign, given.filter(rubric=rubric)).tally()
        alpha = found.main.alpha("nominal", seed=SEED)
        rows.append(version_row(rubric, HEADLINE, alpha, found.n_judgments, found.main.items))
    return rows


def version_row(
    rubric: Rubric, coefficient: str, agreement: Statistic, n_judgments: int, n_items: int
) -> dict[str, Any]:
    """How far people agreed by one version of a rubric."""
    return {
        "rubric": str(rubric),
        "coefficient": coefficient,
        "agreement": agreement.as_json(),
        "n_judgments": n_judgments,
        "n_items": n_items,
    }


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────


def items_of(judgments: list[int]) -> list[str]:
    found = Judgment.objects.filter(pk__in=judgments).order_by().values_list("task__item", flat=True)
    return list(found.distinct())


def read(campaign: Campaign, judgments: QuerySet[Judgment]) -> Ballots:
    """As ballots, streamed."""
    ballots = Ballots(criteria_of(campaign))
    for _, vote in streamed(campaign, judgments):
        ballots.add(**vote)
    return ballots


def around(campaign: Campaign, judgments: QuerySet[Judgment], new: Iterable[int]) -> tuple[Tally, Tally]:
    """The sums of judgments without those that are new, and with them."""
    before, after, apart = Ballots(criteria_of(campaign)), Ballots(criteria_of(campaign)), set(new)
    for pk, vote in streamed(campaign, judgments):
        after.add(**vote)
        if pk not in apart:
            before.add(**vote)
    return before.tally(), after.tally()


def criteria_of(campaign: Campaign) -> list[str]:
    return [criterion.id for criterion in rubrics.of(campaign.rubric).criteria]


def streamed(campaign: Campaign, judgments: QuerySet[Judgment]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each judgment's key, and what `Ballots.add` takes of it."""
    more = ["answers"] if criteria_of(campaign) else []
    rows = judgments.order_by("task_id").values_list(
        "pk", "task_id", "task__item", "task__stratum", "evaluator_id", "choice", "places", *more
    )
    for batch in batches(rows.iterator(chunk_size=BATCH)):
        swapped = swapped_tasks({row[1] for row in batch})
        for pk, task, item, stratum, rater, choice, places, *answers in batch:
            flip = task in swapped
            said = answers[0] if answers else {}
            yield (
                pk,
                {
                    "item": item,
                    "stratum": stratum,
                    "unit": task,
                    "rater": rater,
                    "label": label(choice, flip),
                    "left_first": places[0] == ("1" if flip else "0"),
                    "answers": {name: label(each, flip) for name, each in said.items()},
                },
            )


def batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def swapped_tasks(tasks: Iterable[int]) -> set[int]:
    """Those of which the first response is not by the system of the lesser name."""
    first: dict[int, str] = {}
    swapped = set()
    responses = Response.objects.filter(task__in=list(tasks)).order_by("task", "ordinal")
    for task, source in responses.values_list("task_id", "source"):
        if task in first and source < first[task]:
            swapped.add(task)
        first.setdefault(task, source)
    return swapped


NUMBERS = {"first": (0, 1), "second": (1, 0), "tie": (2, 2), "both_bad": (3, 3)}


def label(choice: str, flip: bool) -> int:
    """The number in `tally.LABELS` of what was said about a task's own order."""
    return NUMBERS[choice][flip]


# ── Pairs of evaluators ──────────────────────────────────────────────────────────────────────────────


def tables_of(campaign: Campaign, pairs: Iterable[Pair]) -> Tables:
    """What is stored about these pairs."""
    wanted = set(pairs)
    ones = {one for one, _ in wanted}
    rows = AgreementPair.objects.filter(campaign=campaign, one__in=ones)
    return {
        (one, other): np.array(table, dtype=np.int64)
        for one, other, table in rows.values_list("one_id", "other_id", "table")
        if (one, other) in wanted
    }


def store_pairs(campaign: Campaign, tables: Tables) -> None:
    """Pairs are never taken away here: what does that reads everything again."""
    if not tables:
        return
    pairs, stacked = list(tables), np.stack(list(tables.values()))
    values, sizes = kappas(stacked.astype(np.float64)), stacked.sum(axis=(1, 2))
    AgreementPair.objects.bulk_create(
        [
            AgreementPair(
                campaign=campaign,
                one_id=one,
                other_id=other,
                table=table.tolist(),
                n=int(n),
                kappa=None if np.isnan(kappa) else float(kappa),
            )
            for (one, other), table, n, kappa in zip(pairs, stacked, sizes, values, strict=True)
        ],
        batch_size=1_000,
        update_conflicts=True,
        unique_fields=["campaign", "one", "other"],
        update_fields=["table", "n", "kappa"],
    )
