"""Whether the judgments of an experiment's campaign are enough: how many more a decision needs, and when to stop.

Which way people lean is told to nobody before the campaign is closed; how sure it is, is.
"""

import datetime as dt
import math
from dataclasses import replace

from annotation import policies
from annotation.agreement import figures, human_rule, pairs
from annotation.agreement.tally import K
from annotation.models import Campaign
from annotation.sla import outlook
from evaltrack.accounts.models import User
from evaltrack.errors import Refusal
from evaltrack.stats.estimate import Estimate, Undefined, from_json
from evaltrack.stats.panel import Kind
from evaltrack.stats.planning.enough import Enough, enough

NOT_MEASURED = Undefined("too few items were judged by all who are asked")
NO_EVERY_LOOK = "a mean over pairs of evaluators has no interval that holds at every look"


def of(
    campaign: Campaign,
    found: figures.Shown,
    foreseen: outlook.Outlook | None,
    *,
    at: dt.datetime,
) -> Enough | Undefined | None:
    """None where no gate waits for it: the campaign stands alone, is closed, or is no comparison of pairs."""
    if campaign.experiment is None or campaign.closed_at or not isinstance(found, pairs.Findings):
        return None
    planned = pairs.planned(campaign)
    scores, times = items_judged_by_all(campaign, found)
    margin = human_rule.of(campaign).margin
    left = pairs.left_out(campaign)
    then = judged_by_then(planned - left, sum(times), foreseen, at=at)
    return enough(scores, times, margin=margin, planned=planned, left_out=left, judged_by_then=then)


def items_judged_by_all(campaign: Campaign, found: pairs.Findings) -> tuple[list[float], list[int]]:
    """The mean score of each kind of item that all have judged who are asked, and how many items are of it."""
    kinds = [
        (score(kind), times)
        for kind, times in found.inter.panel.kinds.items()
        if all(sum(unit) >= campaign.overlap for unit in kind)
    ]
    return [each for each, _ in kinds], [times for _, times in kinds]


def score(kind: Kind) -> float:
    """From −1, all prefer the baseline, to 1: the labels are baseline, candidate, tie and both bad."""
    counts = [sum(unit[label] for unit in kind) for label in range(K)]
    return (counts[1] - counts[0]) / sum(counts)


def judged_by_then(
    planned: int, judged: int, foreseen: outlook.Outlook | None, *, at: dt.datetime
) -> int | None:
    """Items that will be judged when it is due, at the present pace; None where all will be, or nobody knows."""
    if foreseen is None or isinstance(foreseen.finished_at, Undefined) or not foreseen.is_late:
        return None
    if foreseen.due_at <= at:
        return judged
    # It is late, so its end lies after the due time, and that after now.
    share = (foreseen.due_at - at) / (foreseen.finished_at - at)
    return judged + math.floor((planned - judged) * share)


def closing(
    by: User, campaign: Campaign, *, at: dt.datetime, known: Enough | Undefined | None = None
) -> Refusal | None:
    """`policies.closing`; but where the policy lets people stop once it is settled, nothing misses then. `known` is
    what `of` says, where somebody has asked it just now."""
    refusal = policies.closing(by, campaign)
    if refusal is None or refusal.code != "still_open" or human_rule.of(campaign).stop != "settled":
        return refusal
    said = known or of(campaign, figures.of(campaign, at=at), None, at=at)
    return None if isinstance(said, Enough) and said.is_settled else refusal


def at_every_look(campaign: Campaign, found: pairs.Findings) -> Estimate | Undefined:
    """The net preference of items that all have judged, for whoever stopped at the look that settled it."""
    scores, times = items_judged_by_all(campaign, found)
    margin = human_rule.of(campaign).margin
    said = enough(scores, times, margin=margin, planned=pairs.planned(campaign))
    return said.any_time if isinstance(said, Enough) else NOT_MEASURED


def agreement_at_every_look(found: pairs.Findings, coefficient: str) -> Estimate | Undefined:
    """The coefficient for whoever stopped early: else they could stop at the look at which it reaches the floor."""
    if coefficient in pairs.ANY_TIME:
        return from_json(found.any_time[coefficient])
    shown = found.coefficient(coefficient)
    if isinstance(shown, Undefined):
        return shown
    return replace(shown, ci_low=None, ci_high=None, ci_undefined=NO_EVERY_LOOK)
