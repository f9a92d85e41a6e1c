"""A proxy whose time ends while its people close, workers come, a lead lets it stand in again; on PostgreSQL."""

import datetime as dt

import pytest

from annotation import campaigns, opening
from annotation.models import Campaign
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.errors import Refused
from experiments import evidence, recomputation
from experiments.models import Arm, Evidence, Experiment
from tests.annotation.together import together
from tests.factories import annotation as factory
from tests.factories import experiments as made

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
BEFORE = dt.timedelta(days=15)
LOOKS = factory.suite() | {"looks": {"to": "extended", "spending": "pocock"}}
BETTER = made.partly_right({Arm.CANDIDATE: 1.0, Arm.BASELINE: 0.0}, 40)


@pytest.fixture
def both_looks(transactional_db, owner, platform, custodian, lead, both):
    """An experiment and its extension, by a proxy whose time is over; people have judged everything by now."""
    first = made.measured(
        owner=owner,
        platform=platform,
        custodian=custodian,
        risk="high",
        examples=40,
        tier="smoke",
        suite=LOOKS,
    )
    campaign = opening.open_campaign(first, at=clock.now())
    larger = made.extended(first, BETTER)
    made.proxy_stands_in(first, lead, at=clock.now() - BEFORE)
    factory.judge_everything(both, factory.prefers_candidate)
    return campaign, first, larger


def expires():
    return evidence.let_proxies_expire(at=clock.now())


def closes(campaign, lead):
    return lambda: campaigns.close(campaign.pk, by=User.objects.get(pk=lead.pk), at=clock.now()).status


@pytest.mark.parametrize("turn", range(4))
def test_people_who_close_at_the_same_moment_have_the_last_word(both_looks, lead, turn, caplog):
    campaign, first, larger = both_looks
    acts = [closes(campaign, lead), expires, expires, expires]
    told = together(*acts[turn:], *acts[:turn])
    assert not [each for each in told if isinstance(each, Exception)], told
    assert sum(each for each in told if isinstance(each, int)) <= 2
    # What a worker would try again is nothing but what could not be: no two waited for each other.
    assert not [each for each in caplog.records if each.name == "experiments.evidence"], caplog.text
    for row in (first, larger):
        row = Experiment.objects.with_names().get(pk=row.pk)
        newest = row.verdicts.first()
        assert (row.status, newest.provisional, newest.cause) == ("decided", False, "people have judged")
        numbers = sorted(row.verdicts.values_list("number", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert Evidence.objects.filter(experiment=row, kind="human").count() == 1
        assert recomputation.recompute(row).findings == ()


def test_one_worker_lets_each_expire_once(both_looks):
    told = together(*[expires] * 4)
    assert sum(told) == 2
    assert [row.verdicts.filter(cause="the proxy's time is over").count() for row in both_looks[1:]] == [1, 1]


def test_let_stand_in_again_at_the_same_moment_it_stands(both_looks, lead):
    campaign = both_looks[0]
    factory.becomes_due(campaign)
    Campaign.objects.filter(pk=campaign.pk).update(
        unblocked_by=lead, unblocked_at=clock.now() - BEFORE, unblocking_reason="It could not wait."
    )
    campaign.slots.filter(ordinal=1).update(state="open", holder=None)
    escalation.escalate_overdue(at=clock.now())

    def unblocks():
        try:
            escalation.unblock_by_proxy(
                campaign.pk, by=User.objects.get(pk=lead.pk), reason="It still cannot wait.", at=clock.now()
            )
        except Refused as refused:
            return refused.code
        return "stands"

    told = together(unblocks, unblocks, expires, expires)
    assert sorted(each for each in told if isinstance(each, str)) == ["not_blocked", "stands"]
    for row in both_looks[1:]:
        newest = Experiment.objects.get(pk=row.pk).verdicts.first()
        assert newest.provisional
    assert expires() == 0
