"""How far evaluators agree, and what they prefer: computed from the append-only judgments, never stored."""

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db.models import QuerySet

from annotation import querysets, rubrics
from annotation.agreement import findings, given, kept_figures, kept_findings, live, pairs, parts, votes
from annotation.agreement.rollup import version_row
from annotation.agreement.votes import Person, Rater, Vote
from annotation.models import Campaign, CampaignStatus, Judgment, Protocol, Rubric
from evaltrack.errors import Conflict, NotFound


def pseudonym(evaluator: Person) -> str:
    """What everybody calls a rater who looks at judgments, leads too."""
    return evaluator.pseudonym


# Votes of which a model is fitted for each part while somebody waits for the page.
MOST_AT_A_LOOK = 20_000
Shown = pairs.Findings | kept_figures.Figures | findings.Findings


def of(campaign: Campaign, *, at: dt.datetime) -> Shown:
    """What the judgments say that nobody can take back any more, and those that were made elsewhere."""
    if campaign.experiment_id is None and (
        kept := kept_figures.of(campaign, is_final=may_be_told(campaign), at=at)
        if campaign.imports.exists()
        else None
    ):
        return kept
    return read(campaign, at=at)


def read(campaign: Campaign, *, at: dt.datetime) -> pairs.Findings | findings.Findings:
    """The same, with the single votes wherever there are few, or some were made elsewhere."""
    if campaign.protocol != Protocol.PAIRWISE:
        kept = kept_findings.of(campaign, at=at)
        return kept or findings.of(campaign, given.final(campaign, at=at))
    if campaign.experiment_id is None and campaign.imports.exists():
        return with_imports(campaign, at=at)
    summed = live.of(campaign, is_final=may_be_told(campaign), at=at)
    return summed or of_pairs(campaign, counted(campaign, at=at))


def preferences(
    campaign: Campaign, *, criterion: str = "", stratum: str = "", at: dt.datetime
) -> dict[str, Any]:
    """How strong each system is, of all that was said or of a part."""
    if campaign.protocol != Protocol.PAIRWISE:
        raise NotFound(
            "no_preferences", f"A {campaign.protocol} compares no pairs; its systems stand under agreement."
        )
    is_final = may_be_told(campaign)
    if (criterion or stratum) and not is_final:
        # A part may be a single item.
        raise Conflict(
            "not_closed", "Preferences by criterion and by stratum are told when the campaign is closed."
        )
    found = of(campaign, at=at)
    if isinstance(found, kept_figures.Figures):
        if kept := found.preferences(criterion, stratum):
            return kept
        found = with_imports(campaign, at=at)
    if isinstance(found, live.Findings) and is_final:
        found = of_pairs(campaign, counted(campaign, at=at))
    assert isinstance(found, pairs.Findings)
    return found.preferences(criterion, stratum)


def preferences_by_part(found: Shown) -> dict[str, dict[str, Any]] | None:
    """By kind and name; None where they would have to be computed from very many votes, or may not be told."""
    if isinstance(found, kept_figures.Figures):
        return found.body["preferences"]
    if isinstance(found, findings.Findings | live.Findings) or len(found.votes) > MOST_AT_A_LOOK:
        return None
    return parts.preferences(found.of_criteria(), found.of_strata())


def with_imports(campaign: Campaign, *, at: dt.datetime) -> pairs.Findings:
    people, judgments = votes.imported_people(campaign), counted(campaign, at=at)
    with_answers = bool(rubrics.of(campaign.rubric).criteria)
    said = [*votes_of(campaign, judgments), *votes.imported(campaign, with_answers=with_answers)]
    return found_in(campaign, said, people | people_of(judgments))


def counted(campaign: Campaign, *, at: dt.datetime) -> list[Judgment]:
    """Those that enter figures: final, of the first slots, and not of excluded tasks."""
    return rows_of(campaign, querysets.final_judgments(at))


def rows_of(campaign: Campaign, judgments: QuerySet[Judgment]) -> list[Judgment]:
    of_campaign = querysets.for_statistics(judgments).filter(campaign=campaign, task__excluded_at=None)
    return list(of_campaign.select_related("task", "evaluator", "rubric").order_by("pk"))


def by_rubric(campaign: Campaign, *, at: dt.datetime) -> list[dict[str, Any]]:
    """Before and after a revision: alpha by each version, also over what counts no more. Without one, nothing."""
    if campaign.earlier_rubric_id is None:
        return []
    if kept := live.by_rubric(campaign):
        return kept
    if campaign.protocol != Protocol.PAIRWISE:
        return kept_findings.by_rubric(campaign, at=at)
    versions: dict[Rubric, list[Judgment]] = defaultdict(list)
    for judgment in rows_of(campaign, querysets.final_judgments(at, or_superseded=True)):
        versions[judgment.rubric].append(judgment)
    rows = []
    for rubric in sorted(versions, key=lambda rubric: rubric.version):
        found = of_pairs(campaign, versions[rubric])
        name, statistic = found.headline
        rows.append(version_row(rubric, name, statistic, found.n_judgments, found.n_items))
    return rows


def of_pairs(campaign: Campaign, judgments: list[Judgment]) -> pairs.Findings:
    return found_in(campaign, votes_of(campaign, judgments), people_of(judgments))


def votes_of(campaign: Campaign, judgments: list[Judgment]) -> list[Vote]:
    return list(votes.of_judgments(judgments, findings.sources_of(campaign)))


def people_of(judgments: list[Judgment]) -> dict[Rater, Person]:
    return {(votes.EVALUATOR, judgment.evaluator_id): judgment.evaluator for judgment in judgments}


def found_in(campaign: Campaign, said: list[Vote], people: dict[Rater, Person]) -> pairs.Findings:
    return pairs.Findings(
        votes=said,
        people=people,
        of_experiment=campaign.experiment_id is not None,
        is_final=may_be_told(campaign),
        criteria=tuple(criterion.id for criterion in rubrics.of(campaign.rubric).criteria),
        planned=pairs.planned(campaign),
    )


def may_be_told(campaign: Campaign) -> bool:
    """Whether leads are told how systems fare: the campaign is closed, or asks nobody, as its judgments were made
    elsewhere. Whoever knew it before could stop, or look for other people, when they like what they see."""
    if campaign.status == CampaignStatus.CLOSED:
        return True
    return campaign.experiment_id is None and not campaign.slots.exists() and campaign.imports.exists()
