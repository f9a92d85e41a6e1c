"""Profiles, skills and pseudonyms: what evaluators say, what leads grant, and that no name is told."""

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.accounts import profiles, skills
from evaltrack.accounts.models import Profile, Skill, SkillGrant, SpokenLanguage, User, new_pseudonym
from evaltrack.accounts.profiles import Limit
from evaltrack.accounts.roles import Permission, Role
from evaltrack.errors import Conflict, Invalid, Refused
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person, signed
from tests.factories import people
from tests.query_growth import no_query_growth

WEEK = {"mon": ["09:00", "17:00"], "sun": ["20:00", "24:00"]}
FORM = {
    "languages": "de-ch, EN",
    "time_zone": "Europe/Berlin",
    "mon_from": "09:00",
    "mon_to": "17:00:00",
    "sun_from": "20:00",
    "sun_to": "00:00",
    "judgments_per_day": "40",
    "minutes_per_day": "",
}


def fresh(user):
    return User.objects.get(pk=user.pk)


# ── Pseudonyms ───────────────────────────────────────────────────────────────────────────────────────


def test_a_pseudonym_is_drawn_and_stays(evaluator_one, evaluator_two):
    first = evaluator_one.pseudonym
    evaluator_one.first_name = "Ada"
    evaluator_one.save()
    assert fresh(evaluator_one).pseudonym == first != evaluator_two.pseudonym
    assert len({new_pseudonym() for _ in range(1000)}) == 1000
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=evaluator_two.pk).update(pseudonym=first)


def test_leads_read_pseudonyms_and_administrators_can_say_who_it_is(lead, admin_person, evaluator_one):
    User.objects.filter(pk=evaluator_one.pk).update(first_name="Ada", last_name="Zyx")
    people.declares(evaluator_one, "de")
    skills.grant(evaluator_one, people.skill(lead), by=lead, at=clock.now())
    name = evaluator_one.pseudonym
    client, api = signed_in(lead), bearer(lead, Permission.MANAGE_CAMPAIGNS)
    for answer in [
        client.get("/evaluators/"),
        client.get(f"/evaluators/?search={name[2:5].lower()}"),
        client.get(f"/evaluators/{name}/"),
        api.get("/api/v1/evaluators"),
        api.get(f"/api/v1/evaluators/{name}"),
    ]:
        text = answer.content.decode()
        assert name in text
        for told in ("evaluator_one", "Zyx", str(evaluator_one.public_id), evaluator_one.email):
            assert told not in text
    assert name not in client.get("/evaluators/?search=zyx").content.decode()
    desk = signed_in(admin_person).get(f"/admin/accounts/user/?q={name}").content.decode()
    assert "evaluator_one" in desk


# ── What evaluators say ──────────────────────────────────────────────────────────────────────────────


def test_an_evaluator_declares_languages_hours_and_a_limit_on_the_page(evaluator_one):
    client = signed_in(evaluator_one)
    assert client.post("/profile/", FORM).url == "/profile/"
    profile = Profile.objects.get()
    assert (profile.time_zone, profile.hours) == ("Europe/Berlin", WEEK)
    assert profiles.limit_of(fresh(evaluator_one)) == Limit(judgments=40)
    assert profile.single_keys is False
    assert set(evaluator_one.languages.values_list("tag", flat=True)) == {"de-CH", "en"}
    page = client.get("/profile/").content.decode()
    for value in ('value="de-CH, en"', 'value="Europe/Berlin"', 'name="sun_to" value="00:00"', 'value="40"'):
        assert value in page
    assert evaluator_one.pseudonym in page
    # What the page shows, sent again, is the same.
    assert client.post("/profile/", FORM).status_code == 302
    assert Profile.objects.get().hours == WEEK


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"languages": "de, german"}, "is no language tag"),
        ({"languages": ",".join(f"{a}{b}" for a in "abcde" for b in "vwxyz")}, "takes up to 20 languages"),
        ({"time_zone": "Mars/Olympus"}, "is no time zone"),
        ({"time_zone": ""}, "is no time zone"),
        ({"mon_to": "08:00"}, "ends before it begins"),
        ({"mon_to": ""}, "takes a beginning and an end"),
        ({"tue_from": "<script>", "tue_to": "x"}, "takes a beginning and an end"),
        ({"judgments_per_day": "0"}, "is a whole number from 1 to 10,000"),
        ({"judgments_per_day": "many"}, "is a whole number from 1 to 10,000"),
        ({"minutes_per_day": "1441"}, "is a whole number from 1 to 1,440"),
        ({"minutes_per_day": "9" * 40}, "is a whole number from 1 to 1,440"),
    ],
)
def test_what_cannot_be_used_is_said_and_changes_nothing(evaluator_one, changes, said):
    people.declares(evaluator_one, "fr", time_zone="Asia/Tokyo")
    again = signed_in(evaluator_one).post("/profile/", FORM | changes)
    assert again.status_code == 422
    text = again.content.decode()
    assert said in text
    assert 'aria-invalid="true"' in text
    assert "<script>" not in text.partition("<main")[2]
    assert Profile.objects.get().time_zone == "Asia/Tokyo"
    assert [row.tag for row in SpokenLanguage.objects.all()] == ["fr"]


def test_a_confirmed_language_stays_confirmed_and_is_kept_apart(evaluator_one, lead):
    people.declares(evaluator_one, "de", "en")
    profiles.confirm_language(evaluator_one, "DE", by=lead, at=clock.now())
    people.declares(evaluator_one, "de", "fr")
    rows = {row.tag: row.confirmed_by for row in evaluator_one.languages.all()}
    assert rows == {"de": lead, "fr": None}
    first = evaluator_one.languages.get(tag="de").confirmed_at
    assert profiles.confirm_language(evaluator_one, "de", by=lead, at=clock.now()).confirmed_at == first


def test_whoever_has_no_profile_has_no_limit(evaluator_one):
    assert profiles.limit_of(evaluator_one) == Limit()
    assert profiles.of(evaluator_one).time_zone == "UTC"
    assert not Profile.objects.exists()


# ── What leads grant ─────────────────────────────────────────────────────────────────────────────────


def test_a_skill_is_granted_once_and_revoked_with_who_and_when(evaluator_one, lead):
    skill = people.skill(lead)
    assert people.skill(lead) == skill
    row = skills.grant(evaluator_one, skill, by=lead, at=clock.now())
    assert skills.grant(evaluator_one, skill, by=lead, at=clock.now()) == row
    revoked = skills.revoke(evaluator_one, skill, by=lead, at=clock.now())
    assert (revoked.pk, revoked.granted_by, revoked.revoked_by) == (row.pk, lead, lead)
    with pytest.raises(Conflict):
        skills.revoke(evaluator_one, skill, by=lead, at=clock.now())
    assert skills.grant(evaluator_one, skill, by=lead, at=clock.now()) != row
    assert SkillGrant.objects.count() == 2


def test_only_leads_grant_limit_and_confirm_and_nobody_to_themselves(
    evaluator_one, evaluator_two, owner, lead
):
    skill = people.skill(lead)
    people.declares(evaluator_one, "de")
    at = clock.now()
    for by in (evaluator_one, evaluator_two, owner):
        for act in [
            lambda by=by: skills.grant(evaluator_one, skill, by=by, at=at),
            lambda by=by: skills.create(slug="new", label="New", by=by, at=at),
            lambda by=by: profiles.set_limit(evaluator_one, Limit(judgments=1), by=by, at=at),
            lambda by=by: profiles.confirm_language(evaluator_one, "de", by=by, at=at),
        ]:
            with pytest.raises(Refused):
                act()
    with pytest.raises(Conflict, match="themselves"):
        skills.grant(lead, skill, by=lead, at=at)
    assert not SkillGrant.objects.exists()
    assert not Profile.objects.filter(limited_by__isnull=False).exists()


@pytest.mark.parametrize(
    ("slug", "label", "field"),
    [("Contract law", "x", "slug"), ("a" * 41, "x", "slug"), ("", "x", "slug"), ("law", " ", "label")],
)
def test_a_skill_that_is_badly_named_is_refused_where_it_is(lead, slug, label, field):
    with pytest.raises(Invalid) as refused:
        skills.create(slug=slug, label=label, by=lead, at=clock.now())
    assert list(refused.value.fields) == [field]


def test_a_slug_means_one_skill(lead):
    people.skill(lead)
    with pytest.raises(Conflict, match="there already"):
        people.skill(lead, label="Something else")
    assert Skill.objects.get().label == "Contract law"


def test_the_leads_page_does_what_the_acts_do(lead, evaluator_one):
    client, name = signed_in(lead), evaluator_one.pseudonym
    people.declares(evaluator_one, "de")
    at = f"/evaluators/{name}/"
    for path, form in [
        ("/skills/", {"slug": "contract-law", "label": "Contract law"}),
        (f"{at}skills/", {"skill": "contract-law"}),
        (f"{at}limit/", {"judgments_per_day": "30", "minutes_per_day": ""}),
        (f"{at}languages/", {"language": "de"}),
    ]:
        assert client.post(path, form).status_code == 302
    page = client.get(at).content.decode()
    assert "granted" in page
    assert "confirmed" in page
    assert profiles.limit_of(fresh(evaluator_one)) == Limit(judgments=30)
    refused = client.post(f"{at}limit/", {"judgments_per_day": "-3"}, follow=True).content.decode()
    assert "is a whole number from 1" in refused
    client.post(f"{at}skills/revoke/", {"skill": "contract-law"})
    assert not SkillGrant.objects.filter(revoked_at=None).exists()
    assert client.get("/evaluators/E-NOBODY/").status_code == 404
    for unknown in ("alchemy", "nul\x00", ""):
        assert (
            "There is no skill"
            in client.post(f"{at}skills/", {"skill": unknown}, follow=True).content.decode()
        )


def test_the_calls_answer_with_how_the_evaluator_stands(lead, ci, evaluator_one):
    people.declares(evaluator_one, "de", limit=Limit(minutes=60))
    at = f"/api/v1/evaluators/{evaluator_one.pseudonym}"
    api = bearer(ci, Permission.MANAGE_CAMPAIGNS)

    def post(path, **body):
        return api.post(path, body, content_type="application/json")

    assert post("/api/v1/skills", slug="contract-law", label="Contract law").status_code == 201
    assert [row["slug"] for row in api.get("/api/v1/skills").json()["results"]] == ["contract-law"]
    assert post(f"{at}/skills", skill="contract-law").json()["skills"][0]["granted_by"] == "ci"
    limited = post(f"{at}/limit", judgments_per_day=25).json()
    assert (limited["judgments_per_day"], limited["minutes_per_day"]) == (25, 60)
    assert post(f"{at}/languages", language="de").json()["languages"][0]["confirmed_by"] == "ci"
    assert post(f"{at}/skills/revoke", skill="contract-law").json()["skills"] == []
    bad = post(f"{at}/limit", judgments_per_day=0)
    assert (bad.status_code, list(bad.json()["fields"])) == (400, ["judgments_per_day"])
    assert post(f"{at}/skills", skill="alchemy").status_code == 404


def test_the_list_costs_the_same_for_more_evaluators(lead):
    skill = people.skill(lead)

    def add(number):
        another = signed(person(f"another-{number}", Role.EVALUATOR))
        skills.grant(another, skill, by=lead, at=clock.now())
        people.declares(another, "de", "en")

    add(99)
    client, api = signed_in(lead), bearer(lead, Permission.MANAGE_CAMPAIGNS)
    no_query_growth(lambda: client.get("/evaluators/"), add, rows=4)
    no_query_growth(lambda: api.get("/api/v1/evaluators"), lambda number: add(number + 10), rows=4)
