"""The figures of a campaign, against a table small enough to compute by hand."""

import re

import pytest

from annotation import campaigns
from annotation.agreement import figures
from annotation.agreement.compared import SEED
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

# What the two evaluators say about ten items: seven times the same.
LABELS = [
    *[("candidate", "candidate")] * 4,
    *[("baseline", "baseline")] * 2,
    ("tie", "tie"),
    ("candidate", "baseline"),
    ("candidate", "tie"),
    ("both_bad", "baseline"),
]


@pytest.fixture
def ten(owner, platform, custodian, lead, both):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=10)
    )
    said = dict(zip(sorted(campaign.tasks.values_list("item", flat=True)), LABELS, strict=True))
    factory.judge_as_said(said, both)
    return campaign


def test_the_counts_are_of_systems_and_not_of_sides(ten):
    found = figures.of(ten, at=clock.now())
    assert (found.n_judgments, found.n_items, found.n_evaluators) == (20, 10, 2)
    assert found.counts == {"candidate": 10, "baseline": 6, "tie": 3, "both_bad": 1}


def test_percent_agreement(ten):
    assert figures.of(ten, at=clock.now()).percent.value == pytest.approx(0.7)


def test_cohens_kappa(ten):
    # pE = (6·4 + 2·4 + 1·2 + 1·0)/100 = 0.34, κ = (0.7 − 0.34)/0.66
    found = figures.of(ten, at=clock.now())
    assert found.cohen.kappa.value == pytest.approx(6 / 11)
    (pair,) = found.pairs
    assert pair.kappa.value == pytest.approx(6 / 11)


def test_krippendorffs_alpha(ten):
    # De = 1 − (10·9 + 6·5 + 3·2)/(20·19) = 254/380, Do = 0.3
    assert figures.of(ten, at=clock.now()).alpha.value == pytest.approx(1 - 0.3 * 380 / 254)


def test_preference_kappa(ten):
    # t = 3/20, b = 1/20: pE = 0.0225 + 0.0025 + 0.8²/2 = 0.345
    found = figures.of(ten, at=clock.now())
    assert found.preference.kappa.value == pytest.approx(0.355 / 0.655)
    assert (found.preference.agree, found.preference.comparable) == (7, 10)
    assert found.coefficient("preference_kappa") is found.preference.kappa


def test_net_preference(ten):
    assert figures.of(ten, at=clock.now()).net_preference.value == pytest.approx((10 - 6) / 20)


def test_the_left_side_is_counted_over_decisive_judgments(ten):
    left = sum(
        (judgment.choice == "first") == (judgment.places == "01")
        for judgment in ten.judgments.filter(choice__in=["first", "second"])
    )
    found = figures.of(ten, at=clock.now()).left_picks
    assert found.n == 16
    assert found.value == pytest.approx(left / 16)


def test_who_always_picks_the_left_side_is_found_out(campaign, both):
    factory.judge_everything(both, lambda shown: 1)
    found = figures.of(campaign, at=clock.now())
    assert found.left_picks.value == 1
    assert found.left_picks.ci_low > 0.5
    assert (found.counts["candidate"], found.counts["baseline"]) == (6, 6)


def test_without_judgments_nothing_is_claimed(campaign):
    found = figures.of(campaign, at=clock.now())
    for statistic in (found.percent, found.alpha, found.preference.kappa, found.net_preference):
        assert "undefined" in statistic.as_json()


def test_the_api_gives_the_same_figures_and_no_names(ten, lead, both):
    response = bearer(lead, Permission.VIEW_CAMPAIGNS).get(f"/api/v1/campaigns/{ten.public_id}/agreement")
    body = response.json()
    found = figures.of(ten, at=clock.now())
    assert body["inter"] == {
        "percent_agreement": found.percent.as_json(),
        "cohen_kappa": found.cohen_kappa.as_json(),
        "fleiss_kappa": found.inter.panel.beyond_chance("fleiss", seed=SEED).as_json(),
        "krippendorff_alpha": found.alpha.as_json(),
        "gwet_ac1": found.inter.panel.beyond_chance("gwet", seed=SEED).as_json(),
        "preference_kappa": found.preference.kappa.as_json(),
        "preference_kappa_same_order": found.inter.same_order.kappa.as_json(),
    }
    # Nobody here judges a task twice.
    assert set(body["intra"]) == set(body["inter"])
    assert all("undefined" in each for each in body["intra"].values())
    assert body["n_imported"] == 0
    assert (body["n_judgments"], body["n_items"], body["n_evaluators"]) == (20, 10, 2)
    assert body["simulated"] is False
    assert not any(evaluator.username in response.content.decode() for evaluator in both)


def test_which_system_is_preferred_is_told_when_the_campaign_is_closed(ten, lead, owner):
    """A lead who knew it could stop, or look for other evaluators, when they like what they see."""
    page, call = ten.get_absolute_url(), f"/api/v1/campaigns/{ten.public_id}/agreement"
    clients = [(signed_in(user), bearer(user, Permission.VIEW_CAMPAIGNS)) for user in (lead, owner)]
    for browser, api in clients:
        shown = browser.get(page).content.decode()
        assert "shown when the campaign is closed" in shown
        assert not re.search(r"Candidate \d|Baseline \d|share-candidate", shown)
        assert "Left side picked" in shown
        body = api.get(call).json()
        assert body["counts"] is None
        assert body["net_preference"] == {"undefined": "shown when the campaign is closed"}
    campaigns.close(ten.pk, by=lead, at=clock.now())
    for browser, api in clients:
        assert "Candidate 10" in browser.get(page).content.decode()
        body = api.get(call).json()
        assert body["counts"] == {"candidate": 10, "baseline": 6, "tie": 3, "both_bad": 1}
        assert body["net_preference"]["value"] == pytest.approx(0.2)


def test_everybody_reads_pseudonyms_and_nobody_reads_names(ten, lead, owner, both):
    for reader in (lead, owner):
        page = signed_in(reader).get(f"{ten.get_absolute_url()}pairs/").content.decode()
        assert both[0].username not in signed_in(reader).get(ten.get_absolute_url()).content.decode()
        call = f"/api/v1/campaigns/{ten.public_id}/agreement"
        body = bearer(reader, Permission.VIEW_CAMPAIGNS).get(call).content.decode()
        for evaluator in both:
            for text in (page, body):
                assert evaluator.pseudonym in text
                assert evaluator.username not in text
                assert str(evaluator.public_id)[:8] not in text


OPPOSED = [*[("candidate", "baseline")] * 5, *[("baseline", "candidate")] * 4, ("tie", "tie")]


@pytest.mark.parametrize(
    ("labels", "floor", "words"),
    [
        (LABELS, 0.0, "can pass the gate"),
        (LABELS, 0.5, "would settle it"),
        (OPPOSED, 0.5, "People disagree on this metric; read with care."),
    ],
)
def test_the_page_says_whether_the_judgments_are_usable(
    owner, platform, custodian, lead, both, labels, floor, words
):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(items=10, floor=floor)
    )
    said = dict(zip(sorted(campaign.tasks.values_list("item", flat=True)), labels, strict=True))
    factory.judge_as_said(said, both)
    assert words in signed_in(lead).get(campaign.get_absolute_url()).content.decode()


def test_the_page_says_when_there_are_too_few(campaign, lead, both):
    factory.judge(factory.next_for(both[0]), 1)
    factory.the_minute_passes()
    assert "has no interval yet" in signed_in(lead).get(campaign.get_absolute_url()).content.decode()


def test_the_figures_are_the_same_each_time(ten):
    assert figures.of(ten, at=clock.now()).alpha == figures.of(ten, at=clock.now()).alpha
    assert (
        figures.of(ten, at=clock.now()).preference.kappa == figures.of(ten, at=clock.now()).preference.kappa
    )
