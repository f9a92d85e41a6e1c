"""How far people agree on ratings, rankings and errors; and what is not computed says so."""

import pytest

from annotation import campaigns
from annotation.agreement import figures
from annotation.blinding.sides import place_of
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.stats.agreement import krippendorff_alpha, preference_kappa
from evaltrack.stats.estimate import Undefined
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

SCALE = ["Bad", "", "", "", "Good"]
RUBRIC = {
    "name": "r",
    "question": "?",
    "guidance": "!",
    "scale": SCALE,
    "criteria": [{"id": "truth", "question": "How true?", "scale": ["No", "", "Yes"]}],
}


def judge_all(people, say):
    """Everybody judges everything; `say` is told the number of the item and of the person."""
    for who, person in enumerate(people):
        while shown := factory.next_for(person):
            factory.judge(shown, **say(shown, int(shown.task.item.rsplit("-", 1)[1]), who))
    factory.the_minute_passes()


def found_in(campaign):
    return figures.of(campaign, at=clock.now()).as_json(name_of=figures.pseudonym)


def test_of_pairs_each_system_has_its_wins_and_its_net_preference_when_it_is_closed(lead, both):
    """Three systems in pairs: who was preferred to whom is told of systems, not of sides, and each has both roles."""
    campaign = factory.stand_alone("pairwise", lead=lead, items=6)
    factory.add_answers(campaign, "bc", lead=lead, items=6)

    def prefers(shown, item, who):
        sources = factory.sources_of(shown.task)
        better = min(range(2), key=lambda ordinal: sources[ordinal])
        if item == 0:
            return {"preference": "tie"}
        if item == 1:
            return {"preference": "both_bad"}
        return {"preference": place_of(better, shown.slot.places)}

    judge_all(both, prefers)
    assert found_in(campaign)["systems"] is None
    assert (
        "shown when the campaign is closed"
        in signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    )
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()
    systems = found_in(campaign)["systems"]
    told = {
        row["source"]: tuple(row[name] for name in ("wins", "losses", "ties", "both_bad")) for row in systems
    }
    assert told == {"zz-secret-a": (8, 0, 2, 2), "zz-secret-b": (8, 8, 4, 4), "zz-secret-c": (0, 8, 2, 2)}
    assert [row["net_preference"]["value"] for row in systems] == pytest.approx([8 / 12, 0, -8 / 12])
    assert systems[0]["net_preference"]["clusters"] == 6
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "zz-secret-a" in page
    assert "Candidate" not in page


def test_ratings_agree_by_ordinal_and_interval_alpha(lead, both):
    campaign = factory.stand_alone("rating", lead=lead, items=12, rubric=RUBRIC)
    judge_all(
        both,
        lambda shown, item, who: {
            "rating": min(5, item % 5 + 1 + who * (item % 3 == 0)),
            "answers": {"truth": 1 + (item + who) % 3},
        },
    )
    units = [[item % 5 + 1, min(5, item % 5 + 1 + (item % 3 == 0))] for item in range(12)]
    found = found_in(campaign)
    for name, level in (("krippendorff_alpha", "ordinal"), ("krippendorff_alpha_interval", "interval")):
        expected = krippendorff_alpha(units, level=level, seed=1).value
        assert found["inter"][name]["value"] == pytest.approx(expected)
        assert found["inter"][name]["ci_low"] < expected
    truth = [[1 + item % 3, 1 + (item + 1) % 3] for item in range(12)]
    assert found["by_question"]["truth"]["krippendorff_alpha"]["value"] == pytest.approx(
        krippendorff_alpha(truth, level="ordinal", seed=1).value
    )
    assert found["inter"]["percent_agreement"]["value"] == pytest.approx(
        sum(one == other for one, other in units) / 12
    )
    for name in ("preference_kappa", "preference_kappa_same_order"):
        assert found["inter"][name] == {"undefined": f"{name} is not computed for the protocol rating"}


def test_systems_that_answered_one_item_are_one_cluster_and_told_when_it_is_closed(lead, both):
    """Tasks of one item are not independent, so few items give no interval, however many systems there are."""
    campaign = factory.stand_alone("rating", lead=lead, items=5)
    for other in "bc":
        factory.add_answers(campaign, other, lead=lead, items=5)
    judge_all(both, lambda shown, item, who: {"rating": 1 + (item + who + shown.task_id) % 4})
    found = found_in(campaign)
    assert (found["n_judgments"], found["n_items"], found["systems"]) == (30, 5, None)
    alpha = found["inter"]["krippendorff_alpha"]
    assert (alpha["n"], alpha["clusters"], alpha["ci_low"]) == (15, 5, None)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()
    systems = found_in(campaign)["systems"]
    assert {row["source"] for row in systems} == {"zz-secret-a", "zz-secret-b", "zz-secret-c"}
    assert [(row["judgments"], row["rating"]["n"]) for row in systems] == [(10, 5)] * 3
    means = [row["rating"]["value"] for row in systems]
    assert means == sorted(means, reverse=True)


def test_rankings_agree_by_the_pairs_that_they_order(lead, both):
    campaign = factory.stand_alone("ranking", lead=lead, items=12)
    orders = {0: ["a", "b", "c"], 1: ["b", "a", "c"]}

    def say(shown, item, who):
        letters = [source[-1] for source in factory.sources_of(shown.task)]
        order = orders[who if item % 2 else 0]
        return {"ranking": [[place_of(letters.index(each), shown.slot.places)] for each in order]}

    judge_all(both, say)
    found = found_in(campaign)
    pairs = [(f"{item}{pair}", who, better) for item in range(12) for who in (0, 1) for pair, better in (
        ("ab", "b" if who and item % 2 else "a"), ("ac", "a"), ("bc", "b"))]  # fmt: skip
    expected = preference_kappa(
        pairs, between="raters", seed=1, item_of={task: task[:-2] for task, _, _ in pairs}
    ).kappa
    kappa = found["inter"]["preference_kappa"]
    assert (kappa["value"], kappa["n"], kappa["clusters"]) == (pytest.approx(expected.value), 36, 12)
    assert "undefined" in found["inter"]["krippendorff_alpha"]
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()
    assert found_in(campaign)["systems"] == [
        {"source": "zz-secret-a", "wins": 42, "losses": 6, "ties": 0},
        {"source": "zz-secret-b", "wins": 30, "losses": 18, "ties": 0},
        {"source": "zz-secret-c", "wins": 0, "losses": 48, "ties": 0},
    ]


def test_of_spans_it_is_said_whether_people_agree_that_there_is_an_error(lead, both):
    campaign = factory.stand_alone("spans", lead=lead, items=12)
    span = {"start": 0, "end": 2, "reason": "wrong"}
    judge_all(both, lambda shown, item, who: {"spans": [span] if (item + who * (item == 3)) % 2 else []})
    found = found_in(campaign)
    assert "not computed yet" in found["inter"]["krippendorff_alpha"]["undefined"]
    labels = [[bool(item % 2), bool((item + (item == 3)) % 2)] for item in range(12)]
    expected = krippendorff_alpha(labels, level="nominal", seed=1).value
    assert found["by_question"]["any_error"]["krippendorff_alpha"]["value"] == pytest.approx(expected)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()
    assert found_in(campaign)["systems"] == [
        {
            "source": "zz-secret-a",
            "judgments": 24,
            "without_error": 13,
            "errors": 11,
            "by_reason": {"wrong": 11},
        }
    ]


@pytest.mark.parametrize("protocol", ["rating", "ranking", "spans"])
def test_the_campaigns_page_and_its_api_say_no_more_than_is_true(lead, both, protocol):
    campaign = factory.stand_alone(protocol, lead=lead)
    api, page = bearer(lead, Permission.VIEW_CAMPAIGNS), signed_in(lead)
    nothing = api.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").json()
    assert all("undefined" in each for each in nothing["inter"].values())
    assert "Nobody has judged yet" in page.get(campaign.get_absolute_url()).content.decode()
    judge_all(both, lambda shown, item, who: {})
    open_page = page.get(campaign.get_absolute_url()).content.decode()
    assert "zz-secret-a" not in open_page
    for word in ("Left side picked", "Net preference", "floor"):
        assert word not in open_page
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert "zz-secret-a" in page.get(campaign.get_absolute_url()).content.decode()
    told = api.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").json()
    assert told["systems"][0]["source"] == "zz-secret-a"
    assert isinstance(figures.of(campaign, at=clock.now()).coefficient("cohen_kappa"), Undefined)
