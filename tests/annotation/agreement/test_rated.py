"""Ratings: every coefficient by its name, and an intraclass correlation by who rated what."""

import pytest

from annotation.agreement.rated import Rated, Rating
from evaltrack.accounts.roles import Permission
from evaltrack.stats.agreement import krippendorff_alpha
from evaltrack.stats.estimate import Undefined
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

approx = pytest.approx
# Shrout and Fleiss 1979, table 2: six targets, four judges.
TARGETS = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]


def ratings(*, item=str, rater=lambda target, judge: f"judge {judge}"):
    return [
        Rating(target, item(target), rater(target, judge), value)
        for target, given in enumerate(TARGETS)
        for judge, value in enumerate(given)
    ]


def test_the_same_judges_of_everything_are_a_sample_of_judges():
    """The published values: ICC(2,1) = 0.29 and ICC(2,k) = 0.62."""
    found = Rated(ratings(), 10).coefficients()
    assert found["icc_single"].value == approx(0.29, abs=0.005)
    assert found["icc_mean"].value == approx(0.62, abs=0.005)


def test_judges_of_their_own_for_each_target_are_none():
    """ICC(1,1) = 0.17 and ICC(1,k) = 0.44."""
    found = Rated(ratings(rater=lambda target, judge: f"{target} {judge}"), 10).coefficients()
    assert found["icc_single"].value == approx(0.17, abs=0.005)
    assert found["icc_mean"].value == approx(0.44, abs=0.005)


def test_tasks_of_one_item_are_not_independent():
    found = Rated(ratings(item=lambda target: str(target // 2)), 10).intraclass()
    assert isinstance(found["icc_single"], Undefined)
    assert "independent" in found["icc_mean"].reason


def test_alpha_is_that_of_each_level():
    found = Rated(ratings(), 10).coefficients()
    units = dict(enumerate(TARGETS))
    for name, level in (
        ("krippendorff_alpha", "ordinal"),
        ("krippendorff_alpha_nominal", "nominal"),
        ("krippendorff_alpha_interval", "interval"),
        ("krippendorff_alpha_ratio", "ratio"),
    ):
        assert found[name].value == approx(krippendorff_alpha(units, level=level, seed=1).value, abs=1e-9)


def test_near_points_agree_in_part():
    (first, *_) = pairs = Rated(ratings(), 10).pairs(str, 50)
    assert len(pairs) == 6
    assert first["percent_agreement"]["n"] == 6
    plain, linear, quadratic = (
        sum(each[name]["value"] for each in pairs)
        for name in ("cohen_kappa", "cohen_kappa_linear", "cohen_kappa_quadratic")
    )
    assert plain < linear < quadratic
    found = Rated(ratings(), 10).coefficients()
    assert found["gwet_ac1"].value < found["gwet_ac2"].value


@pytest.mark.parametrize("given", [[], [Rating(1, "a", "one", 3)]])
def test_too_little_says_so(given):
    found = Rated(given, 5).coefficients()
    assert all(isinstance(each, Undefined) for each in found.values())
    assert Rated(given, 5).pairs(str, 50) == []


def test_page_and_api_of_a_campaign_have_them(lead, both):
    campaign = factory.stand_alone("rating", lead=lead, items=3)
    values = iter((1, 4, 2, 5, 2, 3))
    for evaluator in both:
        while shown := factory.next_for(evaluator):
            factory.judge(shown, rating=next(values))
    factory.the_minute_passes()
    call = f"/api/v1/campaigns/{campaign.public_id}/agreement"
    body = bearer(lead, Permission.VIEW_CAMPAIGNS).get(call).json()
    assert {"gwet_ac2", "icc_single", "icc_mean", "krippendorff_alpha_ratio"} <= body["inter"].keys()
    (pair,) = body["pairs"]
    assert pair["evaluators"] == sorted(pair["evaluators"]) or len(set(pair["evaluators"])) == 2
    assert "undefined" in pair["cohen_kappa"] or "value" in pair["cohen_kappa"]
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "Intraclass correlation of one rating" in page
