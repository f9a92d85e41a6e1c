"""What must not make a proxy look better known than it is, and what it must not let pass."""

import datetime as dt

import pytest

from annotation.models import Campaign
from annotation.sla import validity
from evaltrack import clock
from evaltrack.errors import Refused
from evaltrack.ledger.models import LedgerEntry
from experiments import conclusion, evidence, promotion, recomputation
from experiments.models import Arm, ComponentVersion, Evidence, Experiment
from tests.factories import experiments as made
from tests.factories.proxies import DIFFERING, SHARES, judged, late, unblock, verdict_of


def again(experiment):
    """The same candidate against the same baseline once more."""
    row = made.asked(experiment.candidate, experiment.baseline, experiment.dataset_version)
    shares = {Arm.CANDIDATE: SHARES[row.candidate.version], Arm.BASELINE: SHARES["v1"]}
    made.answer_all(row, made.partly_right(shares, 60))
    conclusion.conclude(row, at=clock.now())
    return Experiment.objects.with_names().get(pk=row.pk)


def test_one_candidate_in_four_campaigns_says_nothing_of_the_next(several, evaluator_one, lead):
    rows = [several[0], *(again(several[0]) for _ in range(3))]
    for experiment, differs in zip(rows, DIFFERING, strict=True):
        judged(experiment, evaluator_one, lead, differs=differs)
    campaign = late(several[1])
    found = validity.of(campaign, at=clock.now())
    assert (found.campaigns, found.candidates) == (4, 1)
    # An example that was judged four times for one candidate is one label.
    assert found.labels <= 60
    assert found.favour.ci_low is None
    unblock(campaign, lead)
    assert verdict_of(campaign).outcome == "INCONCLUSIVE"


def test_a_version_that_was_registered_twice_is_one_candidate(known):
    closed = Campaign.objects.exclude(pk=known.pk).select_related("experiment__candidate")
    first, second = (row.experiment.candidate for row in closed[:2])
    ComponentVersion.objects.filter(pk=second.pk).update(digest=first.digest)
    assert validity.of(known, at=clock.now()).candidates == 3


def test_examples_of_one_document_are_not_independent(known):
    """All examples in six groups: what is known of the bias is known of six."""
    before = validity.of(known, at=clock.now())
    for row in Experiment.objects.exclude(pk=known.experiment_id).select_related("plan"):
        row.plan.groups = [position % 6 for position in range(60)]
        row.plan.save(update_fields=["groups"])
    found = validity.of(known, at=clock.now())
    assert found.bias.value == before.bias.value
    assert (before.bias.clusters > 26, found.bias.clusters) == (True, 6)


# ── When its time is over ────────────────────────────────────────────────────────────────────────────


def over():
    return clock.now() + dt.timedelta(days=15)


def test_nothing_is_promoted_by_a_proxy_whose_time_is_over_though_no_worker_has_come(
    known, lead, owner, approver
):
    unblock(known, lead)
    experiment = Experiment.objects.with_names().get(pk=known.experiment_id)
    with pytest.raises(Refused) as refused:
        promotion.request(experiment, environment="staging", reason="It passed.", by=owner, at=over())
    assert refused.value.code == "proxy_over"
    asked = promotion.request(
        experiment, environment="staging", reason="It passed.", by=owner, at=clock.now()
    )
    assert "PASS (provisional, PROXY)" in approver.notifications.order_by("-pk").first().body
    with pytest.raises(Refused) as refused:
        promotion.approve(
            asked.pk, by=approver, reason="I read it.", seen_digest=asked.decision_digest, at=over()
        )
    assert refused.value.code == "proxy_over"
    assert evidence.let_proxies_expire(at=over()) == 1
    with pytest.raises(Refused) as refused:
        promotion.approve(
            asked.pk, by=approver, reason="I read it.", seen_digest=asked.decision_digest, at=over()
        )
    assert refused.value.code == "not_decided"


def test_one_that_cannot_expire_keeps_no_other_from_it(known, several, lead, caplog):
    unblock(known, lead)
    broken = several[0]
    Experiment.objects.filter(pk=broken.pk).update(status="awaiting_people")
    Evidence.objects.filter(experiment=broken).update(
        kind="proxy", body={"metric": "exact_match", "outcome": "PASS", "expires_at": "not a time"}
    )
    broken.verdicts.update(provisional=True)
    assert broken.pk < known.experiment_id
    assert evidence.let_proxies_expire(at=over()) == 1
    assert "will be tried again" in caplog.text
    assert not verdict_of(known).provisional


# ── What is shown ────────────────────────────────────────────────────────────────────────────────────


def test_the_ledger_and_what_is_computed_again_say_proxy(known, lead):
    unblock(known, lead)
    entries = LedgerEntry.objects.filter(event="experiment_decided").order_by("index")
    assert entries.last().sentence.endswith(": PASS (provisional, PROXY)")
    assert not entries.first().sentence.endswith("PROXY)")
    row = Experiment.objects.with_names().get(pk=known.experiment_id)
    assert recomputation.recompute(row).as_json()["provisional"] is True
