"""Figures of imports are kept, and never shown once something else has been said."""

import io
import json
import random

import pytest

from annotation import campaigns, imports
from annotation.agreement import figures, kept_figures, rollup
from annotation.jobs import roll_up_agreement
from annotation.models import AgreementState
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import stand_alone

SYSTEMS = ("alpha", "beta", "gamma")


def lines(seed, count=120):
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        pair = chance.sample(SYSTEMS, 2)
        rows.append(
            {
                "item": f"item {number % 15}",
                "rater": f"rater {chance.randrange(5)}",
                "responses": pair,
                "preference": chance.choice([*pair, "tie"]),
                "id": f"{seed}-{number}",
            }
        )
    return io.BytesIO("".join(json.dumps(row) + "\n" for row in rows).encode())


def take(campaign, lead, seed):
    imports.take(campaign.pk, lines(seed), format="ndjson", by=lead, at=clock.now())


@pytest.fixture
def imported(lead):
    campaign = stand_alone.campaign(lead, items=0)
    take(campaign, lead, 1)
    return campaign


def computed(campaign):
    return figures.read(campaign, at=clock.now()).as_json(name_of=figures.pseudonym)


def shown(campaign):
    found = figures.of(campaign, at=clock.now())
    return found, found.as_json(name_of=figures.pseudonym)


def test_what_is_kept_is_what_is_computed(imported, lead):
    expected = computed(imported)
    assert not isinstance(shown(imported)[0], kept_figures.Figures)
    roll_up_agreement()
    found, body = shown(imported)
    assert isinstance(found, kept_figures.Figures)
    assert body == json.loads(json.dumps(expected))
    read = figures.read(imported, at=clock.now())
    assert found.cohen_kappa.as_json() == read.cohen_kappa.as_json()
    assert found.cohen.as_json() == read.cohen.as_json()
    assert found.heat(name_of=None) == read.heat(name_of=figures.pseudonym)
    kept, said = found.some_pairs(2, 3), read.some_pairs(2, 3)
    assert [each.kappa.as_json() for each in kept] == [each.kappa.as_json() for each in said]
    page = signed_in(lead).get(imported.get_absolute_url()).content.decode()
    pairs = signed_in(lead).get(f"{imported.get_absolute_url()}pairs/").content.decode()
    assert "Each of the 10 pairs" in page
    assert pairs.count(" and imported-") == 10
    api = bearer(lead, Permission.VIEW_CAMPAIGNS)
    assert api.get(f"/api/v1/campaigns/{imported.public_id}/preferences").json()["n_judgments"] == 120


def test_another_file_is_in_the_figures_at_once(imported, lead):
    roll_up_agreement()
    take(imported, lead, 2)
    found, body = shown(imported)
    assert (type(found) is kept_figures.Figures, body["n_judgments"]) == (False, 240)
    roll_up_agreement()
    found, body = shown(imported)
    assert (type(found) is kept_figures.Figures, body["n_judgments"]) == (True, 240)


def test_what_people_say_beside_is_too(lead, evaluator_one):
    campaign = stand_alone.campaign(lead, items=3)
    take(campaign, lead, 1)
    roll_up_agreement()
    factory.judge_everything([evaluator_one])
    roll_up_agreement()
    assert shown(campaign)[1]["n_judgments"] == 123
    assert rollup.waiting(at=clock.now()) == []
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()
    assert shown(campaign)[1]["systems"] is not None
    roll_up_agreement()
    found, body = shown(campaign)
    assert isinstance(found, kept_figures.Figures)
    assert body["systems"] is not None


def test_a_worker_computes_nothing_twice(lead, evaluator_one):
    campaign = stand_alone.campaign(lead, items=3)
    take(campaign, lead, 1)
    factory.judge_everything([evaluator_one])
    roll_up_agreement()
    roll_up_agreement()
    first = AgreementState.objects.get(campaign=campaign).counted_at
    roll_up_agreement()
    assert AgreementState.objects.get(campaign=campaign).counted_at == first
