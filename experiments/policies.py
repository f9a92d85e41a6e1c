"""Who may do what with experiments and promotions. Each question answers None or a Refusal.

Whether a role may act at all is asked at the door (`accounts.access`); here it is asked about this row.
"""

import datetime as dt
from collections.abc import Sequence

from django.conf import settings

from datasets.models import DatasetVersion
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Refusal
from evaltrack.integrations import hosts
from experiments import proxies, suite, targets
from experiments.metrics import REGISTRY, scored
from experiments.models import (
    Component,
    ComponentVersion,
    Environment,
    Experiment,
    ExperimentStatus,
    MetricOutcome,
    PromotionRequest,
    PromotionStatus,
    Risk,
    Tier,
    Verdict,
)
from experiments.targets.base import Target


def changing(by: User, component: Component) -> Refusal | None:
    """Adding versions, submitting experiments, cancelling them."""
    if by.is_machine or Role.PLATFORM in by.roles or component.owner_id == by.pk:
        return None
    return Refusal("not_owner", f"{component} belongs to {component.owner}; ask them or the platform team.")


def asking(target: Target) -> Refusal | None:
    """Whether our workers may call what a configuration points at, and send along what it names."""
    if not target.is_asked:
        return None
    refusals = (hosts.calling(target.base_url), *(hosts.sending(name) for name in target.secrets))
    return next((refusal for refusal in refusals if refusal is not None), None)


def scoring(rules: suite.Suite) -> Refusal | None:
    """Whether whoever has to give values of this suite's metrics can be asked, by our workers, with what it names."""
    for rule in rules.metrics:
        scorer, given = REGISTRY[rule.metric].scorer, rule.parameters
        if not scorer:
            continue
        if scorer != scored.HTTP and scorer not in settings.SCORERS:
            return Refusal(
                "scorer_not_set",
                f"{rule.metric} is computed by {scorer} in an interpreter of its own, and none is set up here. "
                "The platform team can name one in EVALTRACK_SCORERS, such as "
                f"{scorer}=/opt/scorers/{scorer}/bin/python.",
            )
        addresses = [given[name] for name in ("url", "base_url") if name in given]
        refusals = (
            *(hosts.calling(address) for address in addresses),
            hosts.sending(given.get("api_key_env", "")),
        )
        if refusal := next((each for each in refusals if each is not None), None):
            return refusal
    return None


def repeating(repeats: int, versions: Sequence[ComponentVersion]) -> Refusal | None:
    """Whether examples may be asked repeatedly: what is brought from outside comes once for each."""
    brought = [version for version in versions if not targets.parse(version.configuration).is_asked]
    if repeats == 1 or not brought:
        return None
    return Refusal(
        "brought_once",
        f"The outputs of {brought[0]} are brought, one for each example; the policy asks for {repeats} of each. "
        "Leave repeats out of the suite, or evaluate a version that can be asked.",
    )


def reusing(rules: suite.Suite, version: DatasetVersion, target: Target) -> Refusal | None:
    """Whether answers of earlier experiments may take the place of asking `target` about examples of `version`."""
    if rules.cache is None:
        return Refusal("no_cache", "The policy has no cache, so every answer is asked for.")
    if version.is_sealed:
        # A look is to measure something new, and what was reused would tell which examples are in there.
        return Refusal("sealed", f"{version} is sealed: answers to its examples are never reused.")
    if not target.is_asked or target.is_batched:
        return Refusal("not_called", "Outputs that are brought, or asked in batches, are never reused.")
    return None


def pricing(by: User) -> Refusal | None:
    """Stating what models cost: budgets are kept by it, whoever's they are."""
    if by.can(Permission.STATE_PRICES):
        return None
    return Refusal("not_platform", "The platform team states prices; ask them.")


def looks(component: Component, version: DatasetVersion) -> int:
    """How many experiments of the component have looked at it, or are about to."""
    return Experiment.objects.filter(component=component, dataset_version=version).looking().count()


def looking(component: Component, version: DatasetVersion) -> Refusal | None:
    """Whether a further experiment may look at a sealed version: each look lets the next change fit it better."""
    if version.looks_allowed is None or looks(component, version) < version.looks_allowed:
        return None
    return Refusal(
        "looks_spent",
        f"{version} is sealed, and {component} has spent its {version.looks_allowed} looks. Publish a new hold-out.",
    )


def requesting(
    by: User, experiment: Experiment, environment: str, verdict: Verdict | None, *, at: dt.datetime
) -> Refusal | None:
    """Whether `by` may ask for the candidate of `experiment` to run in `environment`."""
    component = experiment.component
    if not (by.is_machine or component.owner_id == by.pk):
        return Refusal(
            "not_owner", f"Only {component.owner}, the owner of {component}, requests its promotion."
        )
    provisional = experiment.status == ExperimentStatus.AWAITING_PEOPLE and verdict and verdict.provisional
    if experiment.status != ExperimentStatus.DECIDED and not provisional:
        return Refusal(
            "not_decided", f"{experiment} is {experiment.get_status_display().lower()}; wait for its verdict."
        )
    if verdict is None or verdict.outcome != MetricOutcome.PASS:
        outcome = verdict.outcome if verdict else "open"
        return Refusal(
            "not_passed",
            f"The verdict of {experiment} is {outcome}; only a PASS can be promoted. "
            "Read its reasons, change the candidate, and evaluate it again.",
        )
    if refusal := looking_further(experiment):
        return refusal
    # The worker that decides it anew comes within a minute, or later; a time that is over lets nothing pass.
    if verdict.provisional and proxies.is_over(experiment, at=at):
        return Refusal(
            "proxy_over",
            f"The time of the proxy behind the provisional PASS of {experiment} is over, and people have not judged. "
            "Wait for them, or ask a lead to let it stand in once more.",
        )
    if verdict.provisional and environment == Environment.PRODUCTION:
        return Refusal(
            "provisional",
            f"The verdict of {experiment} is provisional: a proxy stands in for people. Production waits for them.",
        )
    if component.policy_id not in (None, experiment.policy_id):
        return Refusal(
            "other_policy",
            f"{experiment} was judged by {experiment.policy}, not by {component.policy}, the policy of {component}. "
            "A suite of one's own is for exploring; evaluate it again without one.",
        )
    if experiment.tier == Tier.SMOKE:
        return Refusal(
            "smoke_only", "Ten examples are a smoke test; evaluate the standard tier before promoting."
        )
    wanted = suite.parse(experiment.policy.body).promotion[environment]
    if too_small := wanted.refuses(experiment.tier, experiment.plan.body["examples"]):
        return Refusal(
            "tier_too_small",
            f"{experiment.policy} lets a change go to {environment} that was evaluated {too_small}; "
            f"{experiment} asked {experiment.plan.body['examples']:,}, on the {experiment.tier} tier.",
        )
    if (
        environment == Environment.PRODUCTION
        and component.risk == Risk.HIGH
        and experiment.tier != Tier.EXTENDED
    ):
        return Refusal("tier_too_small", "A high-risk change goes to production on the extended tier only.")
    if environment == Environment.PRODUCTION and component.risk == Risk.HIGH and not experiment.needs_people:
        return Refusal(
            "people_missing", "A high-risk change goes to production only after people have judged it."
        )
    return comparing_with_what_runs(experiment, environment)


def looking_further(experiment: Experiment) -> Refusal | None:
    """Whether a further look at the same question, on these answers and more, has taken back the PASS.

    One whose metrics pass and that people still judge has not; but a PASS by a proxy is taken back by what the proxy
    says there.
    """
    verdict = experiment.verdicts.first()
    return look_against(experiment, by_proxy=verdict is not None and verdict.provisional)


def look_against(experiment: Experiment, *, by_proxy: bool) -> Refusal | None:
    for later in experiment.extensions.scored():
        verdict = later.verdicts.first()
        is_whole = later.status == ExperimentStatus.DECIDED or (by_proxy and verdict.provisional)
        outcome = verdict.outcome if is_whole else verdict.automated
        if outcome != MetricOutcome.PASS:
            return Refusal(
                "later_look",
                f"{later} asked the same question of more examples, and says {outcome}. The newest look decides.",
            )
        if refusal := look_against(later, by_proxy=by_proxy):
            return refusal
    return None


def comparing_with_what_runs(experiment: Experiment, environment: str) -> Refusal | None:
    """Whether the experiment says anything about replacing what runs in the environment now."""
    running = experiment.component.deployments.filter(environment=environment, ended_at=None).first()
    if running is None:
        return None
    if running.version_id == experiment.candidate_id:
        return Refusal("already_running", f"{experiment.candidate} runs in {environment} already.")
    if environment == Environment.PRODUCTION and running.version_id != experiment.baseline_id:
        return Refusal(
            "other_baseline",
            f"{experiment} compares with {experiment.baseline}, but {running.version} runs in {environment}. "
            "Evaluate the candidate against what runs.",
        )
    return None


def live_testing(by: User, experiment: Experiment, verdict: Verdict | None) -> Refusal | None:
    """Whether the candidate of `experiment` may answer a share of the users beside what runs."""
    component = experiment.component
    if refusal := changing(by, component):
        return refusal
    if component.risk == Risk.HIGH:
        return Refusal(
            "high_risk", f"{component} is high-risk: a change reaches users by an approved promotion alone."
        )
    decided = experiment.status == ExperimentStatus.DECIDED and verdict is not None
    if not decided or verdict is None or verdict.outcome != MetricOutcome.PASS or verdict.provisional:
        return Refusal("not_passed", f"Only a candidate that has passed meets users; {experiment} has not.")
    if refusal := looking_further(experiment):
        return refusal
    if experiment.tier == Tier.SMOKE:
        return Refusal("smoke_only", "Ten examples are a smoke test; evaluate the standard tier first.")
    if component.policy_id != experiment.policy_id:
        return Refusal(
            "other_policy",
            f"{experiment} was judged by {experiment.policy}, but samples of {component} are scored by "
            f"{component.policy or 'none'}. Evaluate it again by that policy.",
        )
    if component.deployments.filter(environment=Environment.PRODUCTION, ended_at=None).first() is None:
        return Refusal("nothing_runs", f"Nothing of {component} is in production to test against.")
    return comparing_with_what_runs(experiment, Environment.PRODUCTION)


def deciding(by: User, request: PromotionRequest) -> Refusal | None:
    if by.is_machine or not by.can(Permission.DECIDE_PROMOTION):
        return Refusal("not_approver", "Only an approver decides about promotions.")
    if {Role.ADMIN, Role.PLATFORM} & by.roles:
        return Refusal("never_approves", "Administrators and platform engineers never approve promotions.")
    if request.requested_by_id == by.pk:
        return Refusal("own_request", "You asked for this promotion; someone else must decide.")
    if request.version.created_by_id == by.pk or request.component.owner_id == by.pk:
        return Refusal("own_work", "You made or own this configuration; someone else must decide.")
    if request.status != PromotionStatus.OPEN:
        return Refusal("already_closed", f"This promotion is {request.get_status_display().lower()} already.")
    return None


def withdrawing(by: User, request: PromotionRequest) -> Refusal | None:
    if request.requested_by_id == by.pk or request.component.owner_id == by.pk:
        return None
    return Refusal("not_requester", f"Only {request.requested_by}, who asked, withdraws this promotion.")
