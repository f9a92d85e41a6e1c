"""Whether the blinding held: on a random share of judgments, which response is thought to be in production."""

import datetime as dt
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from annotation import policies, querysets
from annotation.blinding.sides import Placing
from annotation.models import Campaign, CampaignStatus, Guess, Guessed, Judgment
from annotation.models.judgment import STANDING
from annotation.protocols.pairwise import chosen
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Gone, Invalid, Refused, refuse_if
from evaltrack.stats.blinding import RIGHT, UNKNOWN, WRONG, blinding_index
from evaltrack.stats.estimate import Estimate, Undefined

# As a form or a program says it.
DONT_KNOW = "unknown"


@dataclass(frozen=True)
class About:
    """On how large a share of judgments to ask, and which source is in production."""

    share: float
    production: str

    def columns(self, protocol: str) -> dict[str, Any]:
        """As the campaign's row holds it; Invalid says which part cannot be."""
        if protocol != "pairwise":
            raise Invalid("bad_guess", f"Guesses are for pairwise campaigns, not for {protocol}.")
        for name, is_right, sentence in (
            ("share", 0 < self.share <= 1, "is a share above 0 and up to 1, such as 0.1"),
            ("production", bool(self.production.strip()), "names the source that is in production"),
        ):
            if not is_right:
                raise Invalid("bad_guess", f"The guess's {name} {sentence}.", {f"guess.{name}": [sentence]})
        return {"guess_share": self.share, "production": self.production}


def are_asked(campaign: Campaign, slot: int) -> bool:
    """Whether it is asked after the judgment of this slot: drawn, so that nobody can foretell it, and lasting."""
    if not campaign.guess_share:
        return False
    return Placing(overlap=1, seed=campaign.seed).is_drawn(f"guess-{slot}", campaign.guess_share)


def give(judgment_id: uuid.UUID, guess: int | str, *, by: User, at: dt.datetime) -> Guess:
    """Which response is in production, 1 or 2 as they stood, or "unknown". The same again changes nothing."""
    refuse_if(policies.judging(by))
    judgment = (
        Judgment.objects.select_related("campaign", "guess")
        .filter(public_id=judgment_id, evaluator=by, state__in=STANDING)
        .first()
    )
    if judgment is None:
        raise Refused("not_yours", "You have submitted no such judgment.")
    if judgment.campaign.status == CampaignStatus.CLOSED:
        raise Gone("campaign_closed", "This campaign is closed; what was said stands.")
    if not are_asked(judgment.campaign, judgment.slot_id):
        raise Invalid("not_asked", "Nothing is asked beside this judgment.")
    if str(guess) not in ("1", "2", DONT_KNOW):
        sentence = f'must be 1, 2 or "{DONT_KNOW}"'
        raise Invalid("bad_guess", f"A guess {sentence}.", {"guess": [sentence]})
    said = Guessed.UNKNOWN if guess == DONT_KNOW else Guessed(chosen(guess, judgment.places))
    try:
        with transaction.atomic():
            return Guess.objects.create(judgment=judgment, guess=said, guessed_at=at)
    except IntegrityError:
        stored = Guess.objects.get(judgment=judgment)
    if stored.guess != said:
        raise Conflict("guessed_before", "You have guessed before; that guess stands.")
    return stored


@dataclass(frozen=True)
class Found:
    """What the guesses say about the blinding, for leads. By evaluator: how many were right, wrong, not known."""

    index: Estimate | Undefined
    counts: Counter[int]
    by_evaluator: list[tuple[str, Counter[int]]]

    @property
    def right(self) -> int:
        return self.counts[RIGHT]

    @property
    def wrong(self) -> int:
        return self.counts[WRONG]

    @property
    def unknown(self) -> int:
        return self.counts[UNKNOWN]

    @property
    def index_json(self) -> dict[str, Any]:
        return self.index.as_json()

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [
            {"evaluator": name, "right": seen[RIGHT], "wrong": seen[WRONG], "unknown": seen[UNKNOWN]}
            for name, seen in self.by_evaluator
        ]

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index_json,
            "by_evaluator": self.rows,
            "right": self.right,
            "wrong": self.wrong,
            "unknown": self.unknown,
        }


def of(campaign: Campaign, *, at: dt.datetime) -> Found | None:
    """None where nothing is asked. Guesses about pairs without the system in production say nothing."""
    if not campaign.guess_share:
        return None
    rows = (
        Guess.objects.filter(querysets.settled(at, "judgment__"), judgment__campaign=campaign)
        .filter(judgment__task__excluded_at=None, judgment__task__gold=None, judgment__is_repeat=False)
        .select_related("judgment__evaluator", "judgment__task")
        .prefetch_related("judgment__task__responses")
        .order_by("pk")
    )
    values, evaluators, items = [], [], []
    by_evaluator: dict[str, Counter[int]] = defaultdict(Counter)
    for row in rows:
        task = row.judgment.task
        truth = {response.source: response.ordinal for response in task.responses.all()}.get(
            campaign.production
        )
        if truth is None:
            continue
        value = value_of(row.guess, truth)
        values.append(value)
        evaluators.append(row.judgment.evaluator_id)
        items.append(task.item)
        by_evaluator[row.judgment.evaluator.pseudonym][value] += 1
    index = blinding_index(values, evaluators, items)
    if rows and not values:
        index = Undefined(f"no pair that was guessed about has the system {campaign.production!r}")
    return Found(index, Counter(values), sorted(by_evaluator.items()))


def value_of(guess: str, truth: int) -> int:
    if guess == Guessed.UNKNOWN:
        return UNKNOWN
    return RIGHT if (guess == Guessed.FIRST) == (truth == 0) else WRONG
