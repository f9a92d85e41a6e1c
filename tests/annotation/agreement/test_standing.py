"""A campaign beside its experiment: how far people are, and that disagreeing people pass no gate."""

import pytest

from annotation import campaigns
from annotation.agreement import figures
from evaltrack import clock
from experiments import human
from experiments.models import Experiment
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory

# Both prefer the candidate seven times out of ten, and never the baseline on the same item.
OPPOSED = [
    *[("candidate", "candidate")] * 4,
    *[("candidate", "baseline")] * 3,
    *[("baseline", "candidate")] * 3,
]
LOWEST = -1.0


def opened(floor, **people):
    return factory.open_campaign(**people, suite=factory.suite(items=10, floor=floor, margin=0.5))


def judged(campaign, both):
    items = sorted(campaign.tasks.values_list("item", flat=True))
    factory.judge_as_said(dict(zip(items, OPPOSED, strict=True)), both)


@pytest.mark.parametrize(("floor", "outcome"), [(LOWEST, "PASS"), (0.4, "INCONCLUSIVE")])
def test_judgments_that_would_pass_pass_nothing_below_the_floor(
    owner, platform, custodian, lead, both, floor, outcome
):
    campaign = opened(floor, owner=owner, platform=platform, custodian=custodian)
    judged(campaign, both)
    found = figures.of(campaign, at=clock.now())
    assert found.net_preference.ci_low > -0.5
    assert found.coefficient("preference_kappa").ci_low < 0.4
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    experiment = Experiment.objects.get(pk=campaign.experiment.pk)
    verdict = experiment.verdicts.first()
    assert (verdict.automated, verdict.people, verdict.outcome) == ("PASS", outcome, outcome)
    spoken = human.of(experiment, at=clock.now()).spoken
    assert spoken.net_preference.as_json() == found.net_preference.as_json()
    assert spoken.agreement.as_json() == found.coefficient("preference_kappa").as_json()
    page = signed_in(owner).get(experiment.get_absolute_url()).content.decode()
    assert ("They count: people&#x27;s part of the verdict is PASS." in page) == (outcome == "PASS")
    assert ("They cannot pass the gate" in page) == (outcome != "PASS")


def test_while_people_judge_the_experiment_shows_how_far_they_are_and_not_what_they_prefer(
    owner, platform, custodian, lead, both
):
    campaign = opened(0.4, owner=owner, platform=platform, custodian=custodian)
    address = f"{campaign.get_absolute_url()}standing/"
    page = signed_in(owner).get(campaign.experiment.get_absolute_url()).content.decode()
    assert f'hx-get="{address}"' in page
    before = signed_in(owner).get(address).content.decode()
    assert "0 of 20 done" in before
    judged(campaign, both)
    answer = signed_in(lead).get(address)
    text = answer.content.decode()
    assert "20 of 20 done" in text
    assert "People disagree on this metric; read with care." in text
    assert "<html" not in text
    for told in ("Win rate", "Net preference", "Candidate 14"):
        assert told not in text
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    page = signed_in(owner).get(campaign.experiment.get_absolute_url()).content.decode()
    assert address not in page
    assert "Candidate 14" in page


def test_only_pairs_have_a_standing(lead):
    rating = factory.stand_alone("rating", lead=lead)
    assert signed_in(lead).get(f"{rating.get_absolute_url()}standing/").status_code == 404
