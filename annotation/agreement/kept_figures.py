"""Figures of campaigns with judgments that were made elsewhere, kept: these never change, and may be very many.

A worker computes them once for what a campaign has, and whoever looks reads them. Where something was said since,
they are computed at the look.
"""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from annotation import querysets
from annotation.agreement import heat, pairs, parts, rollup
from annotation.agreement.votes import Named
from annotation.models import AgreementState, Campaign
from evaltrack.stats.estimate import from_json
from evaltrack.stats.pairwise import PairwiseKappa

# Pairs of raters that are kept with their intervals; of more the others are left out.
MOST_PAIRS = 500
# What no one answer shows.
KEPT_BESIDE = ("heat", "pairs_undefined", "preferences")


@dataclass(frozen=True)
class Figures:
    """What `pairs.Findings` says, read from the row."""

    body: dict[str, Any]

    @property
    def n_judgments(self) -> int:
        return self.body["n_judgments"]

    @property
    def n_pairs(self) -> int:
        return min(self.body["n_pairs"], MOST_PAIRS)

    @property
    def any_time(self) -> dict[str, dict[str, Any]]:
        return self.body["any_time"]

    @property
    def cohen(self) -> PairwiseKappa:
        return PairwiseKappa(self.cohen_kappa, self.body["n_pairs"], self.body["pairs_undefined"])

    @property
    def cohen_kappa(self) -> pairs.Statistic:
        return self.coefficient("cohen_kappa")

    def coefficient(self, name: str) -> pairs.Statistic:
        return from_json(self.body["inter"][name])

    def some_pairs(self, start: int, most: int) -> list[pairs.PairAgreement]:
        return [
            pairs.PairAgreement(
                Named(each["evaluators"][0]),
                Named(each["evaluators"][1]),
                from_json(each["cohen_kappa"]),
                from_json(each["percent_agreement"]),
            )
            for each in self.body["pairs"][start : start + most]
        ]

    def heat(self, *, name_of: Any) -> list[heat.Row]:
        """As kept: by pseudonym, whatever `name_of` would say."""
        return [
            heat.Row(
                row["name"],
                row["mean"],
                tuple(None if cell is None else heat.Cell(*cell) for cell in row["cells"]),
            )
            for row in self.body["heat"]
        ]

    def parts(self, only: Collection[str] = ()) -> list[dict[str, Any]]:
        return self.body["parts"]

    def preferences(self, criterion: str = "", stratum: str = "") -> dict[str, Any] | None:
        """None of what is not kept."""
        if criterion and stratum:
            return None
        kept = self.body["preferences"]
        if criterion or stratum:
            return kept["criterion" if criterion else "stratum"].get(criterion or stratum)
        return kept["whole"]

    def as_json(self, *, name_of: Any, brief: bool = False, pairs_from: int = 0) -> dict[str, Any]:
        body = {name: said for name, said in self.body.items() if name not in KEPT_BESIDE}
        shown = [] if brief else self.body["pairs"][pairs_from : pairs_from + pairs.MOST_PAIRS]
        return {**body, "pairs": shown}


def of(campaign: Campaign, *, is_final: bool, at: dt.datetime) -> Figures | None:
    """None where they are not kept, or not of what there is now."""
    state = AgreementState.objects.filter(campaign=campaign, is_stale=False).first()
    if state is None or state.body.get("of") != what_there_is(campaign, is_final=is_final, at=at):
        return None
    return Figures(state.body["figures"])


@transaction.atomic
def keep(campaign: Campaign, read: Callable[[], pairs.Findings], *, is_final: bool, at: dt.datetime) -> None:
    """Write down what is found by reading now."""
    AgreementState.objects.get_or_create(campaign=campaign)
    # An import that is under way ends by marking this row, so none comes between what there is and what is read.
    state = AgreementState.objects.select_for_update().get(campaign=campaign)
    # What people say here beside the imports is in the figures, and no news any more.
    rollup.uncounted(campaign).filter(querysets.settled(at)).order_by().update(is_counted=True)
    said, found = what_there_is(campaign, is_final=is_final, at=at), read()
    state.body = {"of": said, "figures": as_kept(found)}
    state.is_stale, state.n_judgments, state.counted_at = False, found.n_judgments, at
    state.save()


def as_kept(found: pairs.Findings) -> dict[str, Any]:
    def name_of(person: Any) -> str:
        return person.pseudonym

    return found.as_json(name_of=name_of) | {
        "pairs": [
            {
                "evaluators": [each.one.pseudonym, each.other.pseudonym],
                "cohen_kappa": each.kappa.as_json(),
                "percent_agreement": each.percent.as_json(),
            }
            for each in found.some_pairs(0, MOST_PAIRS)
        ],
        "preferences": {
            "whole": found.preferences(),
            **parts.preferences(found.of_criteria(), found.of_strata()),
        },
        "pairs_undefined": found.cohen.pairs_undefined,
        "heat": [
            {
                "name": row.name,
                "mean": row.mean,
                "cells": [cell and [cell.n, cell.kappa] for cell in row.cells],
            }
            for row in found.heat(name_of=name_of)
        ],
    }


def what_there_is(campaign: Campaign, *, is_final: bool, at: dt.datetime) -> list[Any]:
    """Equal as long as nothing has been said since, and the same may be told."""
    last = campaign.imports.order_by("-pk").values_list("pk", flat=True).first()
    own = rollup.of_campaign(campaign).filter(querysets.settled(at)).count()
    return [last, own, is_final, campaign.rubric_id]
