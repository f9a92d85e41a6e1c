"""Is it enough? Leads are told how sure it is and never which way, and may stop only by a rule of before."""

import random
import re

import pytest

from annotation import campaigns
from annotation.agreement import enough, figures
from annotation.models import SlotState
from evaltrack import clock
from evaltrack.errors import Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.stats.estimate import Undefined
from experiments import human, suite
from experiments.models import Experiment, ExperimentStatus
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory


def opened(people, *, items=70, overlap=1, **rule):
    suite = factory.suite(items=items, overlap=overlap, **rule)
    return factory.open_campaign(suite=suite, examples=items, **people)


@pytest.fixture
def people(owner, platform, custodian, lead):
    return {"owner": owner, "platform": platform, "custodian": custodian}


def judged(campaign, evaluator, count, share):
    """So many items, of which so large a share goes to the candidate, and the rest to the baseline."""
    chance = random.Random(f"{campaign.judgments.count()}")
    for _ in range(count):
        shown = factory.next_for(evaluator)
        wins = chance.random() < share
        factory.judge(shown, (factory.prefers_candidate if wins else factory.prefers_baseline)(shown))
    factory.the_minute_passes()


def foreseen(campaign):
    found = figures.of(campaign, at=clock.now())
    return enough.of(campaign, found, None, at=clock.now())


def test_the_meter_says_how_sure_it_is_and_never_which_way(people, lead, evaluator_one):
    campaign = opened(people, margin=0.0)
    judged(campaign, evaluator_one, 5, 0.8)
    assert isinstance(foreseen(campaign), Undefined)
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "It cannot be foreseen yet: 5 items have been judged" in page
    judged(campaign, evaluator_one, 25, 0.8)
    said = foreseen(campaign)
    assert (said.items, said.planned, said.is_settled) == (30, 70, False)
    assert said.chance > 0.9
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "Items judged by all" in page
    assert f"expected to need {said.least}" in page
    # The microseconds of a moment have the digits of any share, once in a thousand moments.
    without_moments = re.sub(r' datetime="[^"]*"', "", page)
    for told in (f"{said.any_time.value:.2f}", "prefer the candidate", "prefer the baseline"):
        assert told not in without_moments


def test_nobody_stops_early_without_a_rule_of_before(people, lead, evaluator_one):
    campaign = opened(people, margin=0.5)
    judged(campaign, evaluator_one, 60, 0.95)
    assert foreseen(campaign).is_settled
    with pytest.raises(Refused, match="10 judgments are still missing"):
        campaigns.close(campaign.pk, by=lead, at=clock.now())
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "settled" not in page


def test_the_rule_lets_the_lead_stop_once_it_is_settled_and_the_evidence_says_how(
    people, lead, evaluator_one
):
    campaign = opened(people, margin=0.5, stop="settled", floor=-1.0)
    judged(campaign, evaluator_one, 30, 0.9)
    with pytest.raises(Refused, match="still missing"):
        campaigns.close(campaign.pk, by=lead, at=clock.now())
    judged(campaign, evaluator_one, 30, 0.9)
    assert foreseen(campaign).is_settled
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "<strong>It is settled.</strong>" in page
    at_the_end = foreseen(campaign).any_time
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    experiment = Experiment.objects.get(pk=campaign.experiment.pk)
    assert experiment.status == ExperimentStatus.DECIDED
    body = experiment.evidence.get().body
    assert body["net_preference"] == at_the_end.as_json()
    assert body["net_preference"]["kind"] == "any-time"
    assert campaign.slots.filter(state=SlotState.WITHDRAWN).count() == 10
    entry = LedgerEntry.objects.filter(event="campaign_closed").get()
    assert entry.facts["stopped_early"] is True


def test_whether_it_rests_on_one_of_them(people, lead, both, evaluator_three):
    campaign = opened(people, items=20, overlap=3, margin=0.3, floor=-1.0)
    everybody = [*both, evaluator_three]
    for evaluator in both:
        judged(campaign, evaluator, 20, 0.9)
    judged(campaign, evaluator_three, 20, 0.9)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    experiment = Experiment.objects.with_names().get(pk=campaign.experiment.pk)
    spoken = human.of(experiment, at=clock.now()).spoken
    assert spoken.judged[0] == "PASS"
    assert spoken.without_each == f"Unchanged if any one of the {len(everybody)} evaluators is removed."
    page = signed_in(lead).get(experiment.get_absolute_url()).content.decode()
    assert spoken.without_each in page


def test_it_says_when_it_does(people, lead, both, evaluator_three):
    """Two of three prefer the candidate half of the time; the third one always."""
    campaign = opened(people, items=20, overlap=3, margin=0.05, floor=-1.0)
    for evaluator, share in zip([*both, evaluator_three], (0.55, 0.55, 1.0), strict=True):
        judged(campaign, evaluator, 20, share)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    spoken = human.of(Experiment.objects.with_names().get(pk=campaign.experiment.pk), at=clock.now()).spoken
    assert spoken.without_each.startswith("It rests on single evaluators: of 3, each removed in turn")


def test_a_policy_that_could_never_pass_after_stopping_is_refused():
    given = factory.suite(coefficient="cohen_kappa", stop="settled")
    with pytest.raises(Invalid, match="interval at every look"):
        suite.parse(given)
