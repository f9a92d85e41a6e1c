"""Act: take an experiment to a larger tier, keeping every answer that was paid for."""

import datetime as dt
from dataclasses import replace

from django.db import transaction

from datasets.sampling import TIER_SIZES, tier_size
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, Refusal, refuse_if
from experiments import policies, submission, suite
from experiments.models import Component, Experiment, ExperimentStatus, Verdict


@transaction.atomic
def extend(experiment: Experiment, *, tier: str, by: User, at: dt.datetime) -> Experiment:
    """Queue the same question on a larger tier as a further look. The same tier twice is the same experiment."""
    refuse_if(policies.changing(by, experiment.component))
    if tier not in TIER_SIZES:
        known = ", ".join(TIER_SIZES)
        raise Invalid("bad_tier", f"Tiers are {known}.", {"tier": [f"is none of {known}"]})
    # Of two at once the second waits, and finds what the first made.
    Component.objects.select_for_update().get(pk=experiment.component_id)
    if (standing := experiment.extensions.standing().first()) is not None:
        if standing.tier == tier:
            return standing
        raise Conflict(
            "already_extended",
            f"{experiment} was extended to the {standing.tier} tier by {standing}; extend that one.",
        )
    if (reason := obstacle(experiment, experiment.verdicts.first(), tier)) is not None:
        raise Conflict(reason.code, reason.reason)
    question = replace(submission.question_of(experiment), tier=tier)
    return submission.submit(question, by=by, at=at, extends=experiment)


def obstacle(experiment: Experiment, verdict: Verdict | None, tier: str) -> Refusal | None:
    """Why the question of `experiment` cannot be taken to `tier` with the answers that it has; None where it can."""
    rules = suite.parse(experiment.policy.body)
    everything = experiment.dataset_version.example_count
    size, now = tier_size(tier, everything), tier_size(experiment.tier, everything)
    if verdict is None or experiment.status == ExperimentStatus.CANCELLED:
        return Refusal(
            "not_decided",
            f"{experiment} has no verdict yet, so there is nothing to extend. "
            "Wait for it; if it was cancelled or ended undecided, run it again.",
        )
    if (seen := experiment.extensions.scored().first()) is not None:
        return Refusal(
            "look_spent",
            f"{seen} took {experiment} further and was scored, which spent that part of the level. "
            "Run it again, which counts as a further attempt.",
        )
    if rules.looks is None:
        return Refusal(
            "no_looks",
            f"{experiment.policy} plans one look, which has spent the whole level of {rules.alpha:g}. Submit the "
            "larger tier as an experiment of its own, which counts as a further attempt; or name "
            '"looks" in the policy before the next first look.',
        )
    if size <= now:
        return Refusal(
            "not_larger",
            f"The {tier} tier has {size:,} of the {everything:,} examples of {experiment.dataset_version}, "
            f"and {experiment} has asked {now:,}.",
        )
    if size > tier_size(rules.looks.to, everything):
        return Refusal(
            "beyond_the_last_look",
            f"{experiment.policy} plans its last look at the {rules.looks.to} tier; the {tier} one lies beyond it.",
        )
    return None


def larger_tiers(experiment: Experiment) -> list[tuple[str, int]]:
    """The tiers that ask more examples than this experiment did, each with how many more."""
    everything = experiment.dataset_version.example_count
    asked = tier_size(experiment.tier, everything)
    sizes = {tier: tier_size(tier, everything) for tier in TIER_SIZES}
    # Where the dataset is small, several tiers are all of it: the last one of a size is good for every promotion.
    last = {size: tier for tier, size in sizes.items()}
    return [(tier, size - asked) for size, tier in last.items() if size > asked]
