"""A metric beside people in campaigns that are closed, and a campaign whose people are late."""

from annotation import campaigns, opening
from annotation.models import Campaign
from annotation.sla import escalation
from evaltrack import clock
from experiments import leanings, recomputation
from experiments.models import Experiment
from tests.factories import annotation as factory

REASON = "The release cannot wait until Monday."
ITEMS = 26
# Version by version the share of examples that it has right; each is compared with the first.
SHARES = {"v1": 0.5, "v2": 0.9, "v3": 0.8, "v4": 0.6, "v5": 0.7, "v6": 0.85}


def suite(**human):
    return factory.suite(**{"items": ITEMS, "overlap": 1, "proxy_may_pass": True} | human)


def judged(experiment, by, lead, *, differs=(), leans="metric"):
    """The campaign of an experiment, closed: people say what the metric says, but for the items at these places, or
    what `leans` says of all."""
    campaign = opening.open_campaign(experiment, at=clock.now())
    leaning = leanings.leanings(experiment, "exact_match")
    items = sorted(campaign.tasks.values_list("item", flat=True))
    odd = {items[place]: label for place, label in differs}
    words = {1.0: "candidate", -1.0: "baseline", 0.0: "tie"}

    def label(item):
        return odd.get(item, words[leaning[item]] if leans == "metric" else leans)

    factory.judge_as_said({item: [label(item)] for item in items}, [by])
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    return Campaign.objects.get(pk=campaign.pk)


# In each campaign people differ from the metric on four items, as often one way as the other, on the whole.
DIFFERING = [
    [(0, "baseline"), (1, "candidate"), (2, "tie"), (3, "candidate")],
    [(0, "candidate"), (1, "tie"), (2, "baseline"), (3, "tie")],
    [(4, "baseline"), (5, "tie"), (20, "candidate"), (21, "candidate")],
    [(7, "candidate"), (8, "tie"), (20, "baseline"), (21, "candidate")],
]


def late(experiment):
    campaign = opening.open_campaign(experiment, at=clock.now())
    factory.becomes_due(campaign)
    escalation.escalate_overdue(at=clock.now())
    return Campaign.objects.get(pk=campaign.pk)


def unblock(campaign, by, at=None):
    return escalation.unblock_by_proxy(campaign.pk, by=by, reason=REASON, at=at or clock.now())


def verdict_of(campaign):
    return Experiment.objects.get(pk=campaign.experiment_id).verdicts.first()


def recomputes(campaign):
    return recomputation.recompute(Experiment.objects.with_names().get(pk=campaign.experiment_id)).findings
