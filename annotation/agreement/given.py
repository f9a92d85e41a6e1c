"""Final judgments of ratings, rankings and spans as far as figures ask for them: very many are read at once."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from django.db.models import QuerySet

from annotation import querysets, rubrics
from annotation.models import Campaign, Judgment, Rubric

BATCH = 5_000


class Given(NamedTuple):
    """What one evaluator gave a task: a point of the scale, groups of ordinals, or spans; and by criterion."""

    task: int
    item: str
    rater: int
    said: Any
    answers: Mapping[str, Any]


def final(campaign: Campaign, *, at: dt.datetime) -> list[Given]:
    """Those that enter figures: final, of the first slots, and not of excluded tasks."""
    return [given for _, given in rows_of(campaign, querysets.final_judgments(at))]


def by_version(campaign: Campaign, *, at: dt.datetime) -> list[tuple[Rubric, list[Given]]]:
    """By each version of the rubric, also what counts no more."""
    versions: dict[int, list[Given]] = defaultdict(list)
    for rubric, given in rows_of(campaign, querysets.final_judgments(at, or_superseded=True)):
        versions[rubric].append(given)
    found = Rubric.objects.filter(pk__in=versions).order_by("version")
    return [(rubric, versions[rubric.pk]) for rubric in found]


def rows_of(campaign: Campaign, judgments: QuerySet[Judgment]) -> list[tuple[int, Given]]:
    of_campaign = querysets.for_statistics(judgments).filter(campaign=campaign, task__excluded_at=None)
    # The protocol's column is called like it.
    columns = ["rubric_id", "task_id", "task__item", "evaluator_id", campaign.protocol]
    asks_more = bool(rubrics.of(campaign.rubric).criteria)
    rows = of_campaign.order_by("pk").values_list(*columns, *(["answers"] if asks_more else []))
    return [
        (rubric, Given(task, item, rater, said, more[0] if more else {}))
        for rubric, task, item, rater, said, *more in rows.iterator(chunk_size=BATCH)
    ]
