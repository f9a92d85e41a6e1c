"""What many ratings, rankings or marked spans say, kept: a worker reads them when something was said, and whoever
looks is told as of when. Of few, and where no worker comes, they are read at the look.

How systems fare is kept of closed campaigns alone, as nobody is told before.
"""

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from annotation.agreement import findings, given
from annotation.agreement.findings import Findings
from annotation.agreement.live import READ_UP_TO
from annotation.agreement.rollup import version_row
from annotation.models import AgreementState, Campaign, CampaignStatus, Judgment, JudgmentState, Protocol
from evaltrack.stats.estimate import from_json

# All are read again when so many more are there, or after so long.
GROWN = 1.01
READ_AGAIN = dt.timedelta(minutes=5)
# No worker has looked for so long: then they are read at the look, however long it takes.
LONGEST_AGE = dt.timedelta(minutes=15)


def of(campaign: Campaign, *, at: dt.datetime) -> Findings | None:
    """None where nothing is kept that may be told now."""
    state = AgreementState.objects.filter(campaign=campaign, is_stale=False).first()
    if state is None or "findings" not in state.body or state.counted_at is None:
        return None
    is_final = campaign.status == CampaignStatus.CLOSED
    if state.body.get("is_final") != is_final:
        return None
    if not is_final and state.counted_at < at - LONGEST_AGE:
        return None
    return from_kept(state.body["findings"], counted_at=state.counted_at)


def waiting() -> QuerySet[Campaign]:
    """Campaigns that may have so many judgments that they are kept: those that are not closed, and once each that
    was."""
    large = Campaign.objects.exclude(protocol=Protocol.PAIRWISE).filter(
        task_count__gt=READ_UP_TO / F("overlap")
    )
    done = AgreementState.objects.filter(is_stale=False, body__is_final=True)
    return large.exclude(status=CampaignStatus.CLOSED, pk__in=done.values("campaign"))


def keep(campaign: Campaign, *, at: dt.datetime) -> bool:
    """Read all judgments where there are enough, and something was said since the last time; whether it was so.

    What takes judgments away marks the row in its own transaction. Nobody waits for the reading: what was marked
    meanwhile is not written.
    """
    state = begun(campaign.pk, at=at)
    if state is None:
        return False
    campaign = Campaign.objects.select_related("rubric").get(pk=campaign.pk)
    there = what_there_is(campaign)
    found = findings.of(campaign, given.final(campaign, at=at))
    is_kept = found.n_judgments > READ_UP_TO
    rows = by_rubric(campaign, at=at) if is_kept else []
    written = AgreementState.objects.filter(pk=state.pk, is_stale=False).update(
        body={"of": there, "is_final": found.is_final} | ({"findings": as_kept(found)} if is_kept else {}),
        by_rubric=rows,
        n_judgments=found.n_judgments,
        n_when_read=found.n_judgments,
        counted_at=at,
    )
    return bool(written)


@transaction.atomic
def begun(campaign_id: int, *, at: dt.datetime) -> AgreementState | None:
    """The row, if judgments are to be read; what was marked as out of date is empty until they are."""
    AgreementState.objects.get_or_create(campaign_id=campaign_id)
    state = AgreementState.objects.select_for_update().get(campaign=campaign_id)
    if state.is_stale:
        state.is_stale, state.body, state.by_rubric = False, {}, []
        state.save(update_fields=["is_stale", "body", "by_rubric"])
        return state
    campaign = Campaign.objects.get(pk=campaign_id)
    now, before = what_there_is(campaign), state.body.get("of")
    if before is None or state.body.get("is_final") != (campaign.status == CampaignStatus.CLOSED):
        return state
    if now == before:
        AgreementState.objects.filter(pk=state.pk).update(counted_at=at)
        return None
    few_more = before["judgments"] <= now["judgments"] <= GROWN * before["judgments"]
    is_recent = state.counted_at is not None and at < state.counted_at + READ_AGAIN
    return None if few_more and is_recent and "findings" in state.body else state


def what_there_is(campaign: Campaign) -> dict[str, Any]:
    """Other than before where something became final since."""
    final = Judgment.objects.filter(campaign=campaign, state=JudgmentState.FINAL)
    newest = final.order_by("-settled_at").values_list("settled_at", flat=True).first()
    return {"newest": newest.isoformat() if newest else None, "judgments": final.count()}


def as_kept(found: Findings) -> dict[str, Any]:
    return {
        "protocol": found.protocol,
        "is_final": found.is_final,
        "n_judgments": found.n_judgments,
        "n_items": found.n_items,
        "n_evaluators": found.n_evaluators,
        "inter": {name: each.as_json() for name, each in found.inter.items()},
        "lines": [[name, each.as_json()] for name, each in found.lines],
        "by_question": {
            question: {name: each.as_json() for name, each in said.items()}
            for question, said in found.by_question.items()
        },
        "pairs": found.pairs,
        # How systems fare is written nowhere before anybody may be told.
        "systems": found.systems if found.is_final else [],
    }


def from_kept(body: dict[str, Any], *, counted_at: dt.datetime) -> Findings:
    return Findings(
        **body
        | {
            "inter": {name: from_json(each) for name, each in body["inter"].items()},
            "lines": [(name, from_json(each)) for name, each in body["lines"]],
            "by_question": {
                question: {name: from_json(each) for name, each in said.items()}
                for question, said in body["by_question"].items()
            },
        },
        counted_at=counted_at,
    )


def by_rubric(campaign: Campaign, *, at: dt.datetime) -> list[dict[str, Any]]:
    """Before and after a revision, by reading."""
    if campaign.earlier_rubric_id is None:
        return []
    rows = []
    for rubric, judgments in given.by_version(campaign, at=at):
        found = findings.of(campaign, judgments)
        name, statistic = found.headline
        rows.append(version_row(rubric, name, statistic, found.n_judgments, found.n_items))
    return rows
