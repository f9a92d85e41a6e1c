"""What judgments about pairs say while they come in: from the sums kept of them, and what is not in these yet.

Every judgment that nobody can take back counts at once, however many there are; nothing is written. Small campaigns
are read as they are (`agreement.of`): the mean over pairs of evaluators then has its bootstrap.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Count, F, Q, QuerySet, Sum
from scipy import special

from annotation import querysets, rubrics
from annotation.agreement import pairs, preferences, remembered, rollup
from annotation.agreement.compared import SEED, Compared, Statistic
from annotation.agreement.tally import LABELS, MAIN, Tables, Tally, moved
from annotation.agreement.votes import EVALUATOR, Person, Rater
from annotation.models import AgreementPair, AgreementState, Campaign
from evaltrack.accounts.models import User
from evaltrack.stats.agreement import PreferenceAgreement
from evaltrack.stats.estimate import Estimate, Undefined
from evaltrack.stats.intervals import TAIL
from evaltrack.stats.kappa import kappas
from evaltrack.stats.pairwise import PairwiseKappa
from evaltrack.stats.panel import Panel
from evaltrack.stats.preference import left_pick_rate
from experiments.models import Arm

# Judgments up to which all are read again each time.
READ_UP_TO = 2_000
# The roll-up comes each minute, so more are there only while no worker runs; they are then counted in turn.
MOST_PENDING = 5_000
TRIES = 3
BY_DELTA = "delta method over items, by their spread when {n} judgments were read"
SINGLE = PreferenceAgreement(
    Undefined(f"needs the judgments themselves, of which up to {READ_UP_TO} are read"), 0, 0, 0, 0, 0
)
NOT_KEPT = Undefined("the mean over pairs of evaluators is kept of the main question alone")
NOT_READ = Undefined(
    "told when the campaign is closed: there are too many judgments to read them at each look"
)
NOTHING = Tally()


class PairSums(NamedTuple):
    """How many pairs there are, how many of them have a kappa, their items, and those weighted by kappa."""

    pairs: int = 0
    defined: int = 0
    weight: int = 0
    total: float = 0.0


NO_PAIRS = PairSums()


@dataclass(frozen=True)
class Kept:
    """All that counts now; the rows of pairs, and those that differ from them, as `stored` and as they are `now`; and
    how far items vary, as of `n_when_read` judgments."""

    tally: Tally = NOTHING
    rows: QuerySet[AgreementPair] = field(default_factory=AgreementPair.objects.none)
    # What those rows come to.
    sums: PairSums = NO_PAIRS
    stored: Tables = field(default_factory=dict)
    now: Tables = field(default_factory=dict)
    spread: float | None = None
    n_when_read: int = 0


@dataclass(frozen=True)
class Sums(Compared):
    """What evaluators said, compared with one another, without the single judgments."""

    sums: Panel = NOTHING.main

    @property
    def panel(self) -> Panel:
        return self.sums

    @cached_property
    def preference(self) -> PreferenceAgreement:
        return remembered.preference(self.sums, seed=SEED)

    @property
    def same_order(self) -> PreferenceAgreement:
        return SINGLE


@dataclass(frozen=True)
class Findings(pairs.Findings):
    """As from single judgments, without them."""

    kept: Kept = field(default_factory=Kept)

    @property
    def n_judgments(self) -> int:
        return self.kept.tally.n_judgments

    @property
    def n_items(self) -> int:
        return self.kept.tally.main.items

    @property
    def n_evaluators(self) -> int:
        return len(self.kept.tally.raters)

    @property
    def inter(self) -> Compared:
        return Sums((), "raters", self.kept.tally.main)

    @cached_property
    def cohen(self) -> PairwiseKappa:
        return mean_kappa(self.kept)

    @property
    def n_pairs(self) -> int:
        return self.cohen.pairs

    def tables(self, start: int, most: int | None) -> list[tuple[Rater, Rater, np.ndarray]]:
        end = None if most is None else start + most
        rows = self.kept.rows.order_by("-n", "one", "other")[:end]
        found = {(row.one_id, row.other_id): np.array(row.table) for row in rows} | dict(self.kept.now)
        ordered = sorted(found.items(), key=lambda each: (-each[1].sum(), each[0]))[start:end]
        return [((EVALUATOR, one), (EVALUATOR, other), table) for (one, other), table in ordered]

    def among(self, raters: Collection[Rater]) -> dict[tuple[Rater, Rater], np.ndarray]:
        keys = {pk for _, pk in raters}
        rows = self.kept.rows.filter(one__in=keys, other__in=keys)
        found = {(row.one_id, row.other_id): np.array(row.table) for row in rows} | {
            pair: table for pair, table in self.kept.now.items() if keys.issuperset(pair)
        }
        return {((EVALUATOR, one), (EVALUATOR, other)): t for (one, other), t in found.items()}

    def named(self, raters: Collection[Rater]) -> dict[Rater, Person]:
        users = User.objects.filter(pk__in=[pk for _, pk in raters])
        return {(EVALUATOR, user.pk): user for user in users}

    @property
    def counts(self) -> dict[str, int]:
        systems = (Arm.BASELINE.value, Arm.CANDIDATE.value, *LABELS[2:])
        return dict(zip(systems, self.kept.tally.main.totals.tolist(), strict=True))

    @property
    def net_preference(self) -> Statistic:
        if not self.of_experiment:
            return pairs.NO_EXPERIMENT
        return self.kept.tally.main.mean([-1.0, 1.0, 0.0, 0.0], noun="prompt", counted="judgments")

    @property
    def standings(self) -> preferences.Preferences:
        return preferences.Preferences([], NOT_READ, "")

    @property
    def left_picks(self) -> Statistic:
        return left_pick_rate(self.kept.tally.left, self.kept.tally.decisive)

    def of_criteria(self) -> Iterator[tuple[str, pairs.Findings]]:
        panels = self.kept.tally.panels
        return ((name, self.of_panel(panels.get(name, NOTHING.main))) for name in self.criteria)

    def of_strata(self) -> Iterator[tuple[str, pairs.Findings]]:
        return ((name, self.of_panel(panel)) for name, panel in sorted((self.strata or {}).items()))

    @property
    def strata(self) -> Mapping[str, Panel] | None:
        return self.kept.tally.strata

    def of_panel(self, panel: Panel) -> pairs.Findings:
        return OfPart(
            votes=(),
            people={},
            of_experiment=self.of_experiment,
            is_final=self.is_final,
            kept=Kept(Tally({MAIN: panel})),
        )


@dataclass(frozen=True)
class OfPart(Findings):
    """Of a criterion or a stratum, of which who said what is not kept."""

    @property
    def n_judgments(self) -> int:
        return int(self.kept.tally.main.totals.sum())

    @property
    def cohen(self) -> PairwiseKappa:
        return PairwiseKappa(NOT_KEPT, 0, 0)


def of(campaign: Campaign, *, is_final: bool, at: dt.datetime) -> Findings | None:
    """None where the judgments are to be read: there are few, or the sums do not say what is asked for."""
    if campaign.experiment_id is None and is_final:
        return None  # how each of several systems fares
    kept = fresh_sums(campaign, at=at)
    if kept is None:
        settled = rollup.of_campaign(campaign).filter(querysets.settled(at))
        if len(settled.values_list("pk", flat=True)[: READ_UP_TO + 1]) <= READ_UP_TO:
            return None
        # Until a worker has kept the sums, or kept them anew.
        ballots = rollup.read(campaign, settled)
        found = ballots.tally()
        kept = Kept(found, now=found.pairs, spread=ballots.spread(), n_when_read=found.n_judgments)
    if kept.tally.n_judgments <= READ_UP_TO:
        return None
    return Findings(
        votes=(),
        people={},
        of_experiment=campaign.experiment_id is not None,
        is_final=is_final,
        criteria=tuple(criterion.id for criterion in rubrics.of(campaign.rubric).criteria),
        planned=pairs.planned(campaign),
        kept=kept,
    )


def by_rubric(campaign: Campaign) -> list[dict[str, Any]]:
    """As of when all judgments were read last; nothing where they are to be read now."""
    state = AgreementState.objects.filter(
        campaign=campaign, is_stale=False, n_when_read__gt=READ_UP_TO
    ).first()
    return state.by_rubric if state else []


def fresh_sums(campaign: Campaign, *, at: dt.datetime) -> Kept | None:
    """With what is not counted yet; None while the sums are not to be had, or too small to matter."""
    for _ in range(TRIES):
        state = AgreementState.objects.filter(campaign=campaign, is_stale=False).first()
        if state is None or state.n_judgments <= READ_UP_TO:
            return None
        before, after = pending(campaign, at=at)
        stored = rollup.tables_of(campaign, {*before.pairs, *after.pairs})
        rows = AgreementPair.objects.filter(campaign=campaign)
        sums = sums_of(rows)
        # A worker may have counted some of them meanwhile: nothing is added to sums that have it.
        # All batches of one run have the same time; each has added some.
        unchanged = AgreementState.objects.filter(
            pk=state.pk, is_stale=False, counted_at=state.counted_at, n_judgments=state.n_judgments
        )
        if unchanged.exists():
            found = Tally.from_json(state.body).changed(before, after)
            now = moved(stored, before.pairs, after.pairs)
            return Kept(found, rows, sums, stored, now, state.spread, state.n_when_read)
    return None


def pending(campaign: Campaign, *, at: dt.datetime) -> tuple[Tally, Tally]:
    """The sums of the items about which something was said that is not counted yet, without it and with it."""
    settled = rollup.uncounted(campaign).filter(querysets.settled(at)).order_by("pk")
    new = list(settled.values_list("pk", flat=True)[:MOST_PENDING])
    if not new:
        return NOTHING, NOTHING
    theirs = rollup.of_campaign(campaign).filter(task__item__in=rollup.items_of(new))
    return rollup.around(campaign, theirs.filter(Q(is_counted=True) | Q(pk__in=new)), new)


def sums_of(rows: QuerySet[AgreementPair]) -> PairSums:
    found = rows.aggregate(
        pairs=Count("pk"),
        defined=Count("kappa"),
        weight=Sum("n", filter=Q(kappa__isnull=False), default=0),
        total=Sum(F("n") * F("kappa"), default=0.0),
    )
    return PairSums(**found)


def mean_kappa(kept: Kept) -> PairwiseKappa:
    """The mean over all pairs.

    Its spread over items is that of the last time when all judgments were read; how many items there are is known.
    """
    count, defined, weight, total = kept.sums
    for tables, sign in ((kept.stored, -1), (kept.now, 1)):
        for table in tables.values():
            kappa, n = float(kappas(table.astype(np.float64))), int(table.sum())
            count += sign
            if not np.isnan(kappa):
                defined, weight, total = defined + sign, weight + sign * n, total + sign * n * kappa
    if not weight:
        reason = "each pair of raters used one category only, so no pair has a kappa"
        return PairwiseKappa(Undefined(reason if count else "no unit was rated by two people"), count, count)
    value = total / weight
    units, items = kept.tally.main.paired
    if kept.spread is None:
        shown = Estimate(
            value, None, None, units, "mean over pairs", "its spread is not known yet", clusters=items
        )
    else:
        half = float(special.ndtri(1 - TAIL)) * kept.spread / items**0.5
        low, high = max(-1.0, value - half), min(max(1.0, value), value + half)
        shown = Estimate(value, low, high, units, BY_DELTA.format(n=kept.n_when_read), clusters=items)
    return PairwiseKappa(shown, count, count - defined)
