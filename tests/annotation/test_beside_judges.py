"""A judge that is a model beside the people who judged the same items: shown when they have, and counted nowhere."""

import pytest

from annotation import campaigns, opening
from annotation.agreement import beside_judges
from annotation.models import Campaign, Judgment
from evaltrack import clock
from evaltrack.integrations import model_api
from experiments.models import Evidence, Experiment, ExperimentStatus
from experiments.running import claims, scheduler
from tests.accounts.callers import signed_in
from tests.endpoint import serve, wrong_on
from tests.experiments.judging.playing import prefers_right, with_judge
from tests.factories import annotation as factory
from tests.factories import experiments, judges

ITEMS = 20
RULES = {"human": {"items": ITEMS, "overlap": 2, "margin": 0.5, "floor": 0.0}}


@pytest.fixture
def campaign(owner, platform, custodian, lead, settings, monkeypatch) -> Campaign:
    """Of an experiment whose candidate is wrong on every third example, as the judge says too."""
    settings.DRAIN_SECONDS = 60
    monkeypatch.setattr(claims, "LONGEST_BACK_OFF_S", 0.1)
    monkeypatch.setattr(model_api, "UNTOLD_PAUSE_S", 0.1)
    with serve(with_judge(prefers_right, wrong_on("v1.1.0", *range(0, ITEMS, 3)))) as endpoint:
        judges.judge(owner, platform, base_url=endpoint.base_url)
        experiment = experiments.submitted(
            owner=owner,
            platform=platform,
            custodian=custodian,
            base_url=endpoint.base_url,
            examples=ITEMS,
            suite=judges.suite("judge_pairwise") | RULES,
            risk="high",
        )
        scheduler.drain()
    experiment = Experiment.objects.get(pk=experiment.pk)
    assert experiment.status == ExperimentStatus.AWAITING_PEOPLE, experiment.reason
    return opening.open_campaign(experiment, at=clock.now())


def people_say(campaign, lead, by, *, contrary=()):
    """Both people what the judge says, but for the second one on the items at `contrary`."""
    said = {}
    for item in campaign.tasks.values_list("item", flat=True):
        place = int(item[1:])
        label = "tie" if place % 3 else "baseline"
        said[item] = [label, "candidate" if place in contrary else label]
    factory.judge_as_said(said, by)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    return Campaign.objects.get(pk=campaign.pk)


@pytest.mark.django_db
def test_nothing_is_told_before_the_campaign_is_closed(campaign, lead):
    assert beside_judges.of(campaign) == []
    assert "beside people" not in signed_in(lead).get(campaign.get_absolute_url()).content.decode()


@pytest.mark.django_db
def test_a_judge_stands_beside_people_and_is_counted_among_none_of_them(
    campaign, lead, evaluator_one, evaluator_two
):
    campaign = people_say(campaign, lead, [evaluator_one, evaluator_two], contrary=(1, 2))
    [found] = beside_judges.of(campaign)
    assert (found.metric, found.judge, found.items) == ("judge_pairwise", "helpfulness-judge@v3", ITEMS)
    # On 18 items all agree; on two the judge agrees with one of the two people, who do not agree.
    assert found.agreement.judge.value == pytest.approx(19 / 20)
    assert found.agreement.people.value == pytest.approx(18 / 20)
    assert found.bias.value == pytest.approx(-2 * 0.5 / 20)
    assert Judgment.objects.count() == 2 * ITEMS
    assert Evidence.objects.get().body["judgments"] == 2 * ITEMS
    body = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "Judges that are models, beside people" in body
    assert "helpfulness-judge@v3" in body
    assert "95.0 %" in body
