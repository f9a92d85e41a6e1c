"""Setting a campaign up: opened once, whole or not at all, by the lead who began it and saw what they open."""

import datetime as dt

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotation import prospects, setups
from annotation.models import Campaign, Rubric, Setup, Task
from annotation.views import setup_form
from evaltrack import clock
from evaltrack.accounts.roles import Role
from evaltrack.errors import Conflict, Invalid, NotFound, Refused, Stale
from evaltrack.ledger.models import LedgerEntry
from experiments.models import Experiment
from tests.accounts.callers import bearer, signed_in
from tests.annotation.desk.files import CSV, ndjson
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import courses, experiments, people
from tests.query_growth import no_query_growth

USUAL = {
    "name": "Return policy",
    "rubric": {
        "name": "Returns",
        "question": "Which response helps more?",
        "guidance": "Judge what is said, not how long it is.",
    },
    "overlap": 2,
    "skills": [],
    "language": "",
    "requires_qualification": False,
    "sla": "",
    "priority": "normal",
    "due_at": None,
}


def begun(lead, file=None, name="items.jsonl", protocol="pairwise") -> Setup:
    return setups.begin(protocol=protocol, file=file, name=name, by=lead, at=clock.now())


def described(lead, file=None, **changes) -> Setup:
    setup = begun(lead, file)
    return setups.describe(setup.pk, body=USUAL | changes, by=lead, at=clock.now())


def opened(setup: Setup, lead) -> Campaign:
    return setups.open_campaign(setup.pk, seen=setups.digest_of(setup), by=lead, at=clock.now())


def uploaded(content: bytes, name: str = "items.jsonl") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def form_of(setup: Setup, **changes) -> dict:
    given = setup_form.fields_of(setup) | {"name": "Return policy"} | changes
    return {name: value for name, value in given.items() if value is not False}


# ── The act ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_second_click_finds_the_campaign_that_the_first_one_opened(lead, both):
    setup = described(lead, ndjson(3))
    entries = LedgerEntry.objects.count()
    first = opened(setup, lead)
    assert opened(setup, lead) == first
    assert Campaign.objects.count() == 1
    assert LedgerEntry.objects.count() == entries + 1
    assert (first.opened_by, first.task_count, first.overlap) == (lead, 3, 2)
    setup.refresh_from_db()
    assert setup.file is None


def test_what_is_tried_is_taken_back(lead):
    entries = LedgerEntry.objects.count()
    described(lead, ndjson(3))
    assert not Campaign.objects.exists()
    assert not Rubric.objects.exists()
    assert LedgerEntry.objects.count() == entries


def test_a_broken_file_keeps_nothing(lead):
    with pytest.raises(Invalid) as wrong:
        begun(lead, ndjson(2) + b"{}\n")
    assert wrong.value.extra["errors"][0]["line"] == 3
    assert not Setup.objects.exists()
    setup = begun(lead, ndjson(2))
    with pytest.raises(Invalid):
        setups.replace_file(setup.pk, file=b"[]", name="items.jsonl", by=lead)
    setup.refresh_from_db()
    assert setup.items == 2


def test_what_was_changed_in_another_window_is_not_opened(lead):
    setup = described(lead, ndjson(2))
    seen = setups.digest_of(setup)
    setups.describe(setup.pk, body=USUAL | {"overlap": 9}, by=lead, at=clock.now())
    with pytest.raises(Stale):
        setups.open_campaign(setup.pk, seen=seen, by=lead, at=clock.now())
    setup.refresh_from_db()
    seen = setups.digest_of(setup)
    setups.replace_file(setup.pk, file=ndjson(9), name="more.jsonl", by=lead)
    with pytest.raises(Stale):
        setups.open_campaign(setup.pk, seen=seen, by=lead, at=clock.now())
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "Heron against the other"}, "name"),
        ({"rubric": USUAL["rubric"] | {"guidance": "Plover is terse; that is fine."}}, "rubric.guidance"),
        (
            {"rubric": USUAL["rubric"] | {"criteria": [{"id": "a", "question": "Is it as heron says?"}]}},
            "rubric.criteria.0",
        ),
    ],
)
def test_what_evaluators_read_names_no_system_of_the_file(lead, changes, field):
    setup = begun(lead, ndjson(2))
    with pytest.raises(Invalid) as told:
        setups.describe(setup.pk, body=USUAL | changes, by=lead, at=clock.now())
    assert list(told.value.fields) == [field]
    # A file that comes later is held against what was said before.
    setup = described(lead, None, **changes)
    setups.replace_file(setup.pk, file=ndjson(2), name="items.jsonl", by=lead)
    setup.refresh_from_db()
    with pytest.raises(Invalid):
        opened(setup, lead)
    assert not Campaign.objects.exists()


def test_what_the_act_refuses_is_refused_before_the_last_page(lead):
    setup = begun(lead, ndjson(2))
    for change in (
        {"overlap": 99},
        {"overlap": {"min": 2, "max": 2, "confidence": 0.9, "calibration_share": 0.1}},
        {"repeats": {"share": 0.9, "after_hours": 48}},
        {"skills": ["no-such-skill"]},
        {"language": "not a language"},
        {"sla": "no-such-policy"},
        {"requires_qualification": True},
        {"rubric": USUAL["rubric"] | {"reasons": [{"id": "a", "label": "b"}]}},
        {"due_at": (clock.now() - dt.timedelta(hours=1)).isoformat()},
    ):
        with pytest.raises(Invalid):
            setups.describe(setup.pk, body=USUAL | change, by=lead, at=clock.now())
    setup.refresh_from_db()
    assert setup.body == {}


def test_only_a_lead_sets_up_and_each_sees_their_own(lead, owner, evaluator_one):
    for nobody in (owner, evaluator_one):
        with pytest.raises(Refused):
            begun(nobody)
    setup = described(lead, ndjson(2))
    other = person("other_lead", Role.LEAD)
    client = signed_in(other)
    for path in ("", "review/"):
        assert client.get(f"/campaigns/new/{setup.public_id}/{path}").status_code == 404
    assert client.post(f"/campaigns/new/{setup.public_id}/drop/").status_code == 404
    assert "Return policy" not in client.get("/campaigns/new/").content.decode()


def test_what_was_left_lying_goes_and_what_is_open_stays(lead):
    old, kept = described(lead, ndjson(2)), described(lead, ndjson(2))
    opened(kept, lead)
    Setup.objects.update(begun_at=clock.now() - dt.timedelta(days=31))
    begun(lead)
    assert set(Setup.objects.values_list("pk", flat=True)) >= {kept.pk}
    assert not Setup.objects.filter(pk=old.pk).exists()
    for _ in range(setups.MOST - 1):
        begun(lead)
    with pytest.raises(Conflict):
        begun(lead)


def test_an_open_campaign_is_not_set_up_again(lead):
    setup = described(lead, ndjson(2))
    campaign = opened(setup, lead)
    for act in (
        lambda: setups.drop(setup.pk, by=lead),
        lambda: setups.replace_file(setup.pk, file=ndjson(1), name="a.jsonl", by=lead),
        lambda: setups.describe(setup.pk, body=USUAL, by=lead, at=clock.now()),
    ):
        with pytest.raises(Conflict):
            act()
    client = signed_in(lead)
    for path in ("", "review/"):
        left = client.get(f"/campaigns/new/{setup.public_id}/{path}")
        assert left.headers["Location"] == campaign.get_absolute_url()


# ── What it will take ────────────────────────────────────────────────────────────────────────────────


def test_an_estimate_counts_what_opening_then_asks_for(lead, both):
    adaptive = {"min": 2, "max": 5, "confidence": 0.95, "calibration_share": 0.0}
    for overlap, fewest, most in ((3, 30, 30), (adaptive, 20, 50)):
        setup = described(lead, ndjson(10), overlap=overlap, rubric=USUAL["rubric"])
        found = prospects.of(setup, at=clock.now())
        assert (found.judgments.fewest, found.judgments.most) == (fewest, most)
        assert opened(setup, lead).slots.count() == fewest


def test_who_may_judge_is_counted_as_the_campaign_will_count(lead, both):
    people.skill(lead)
    course = courses.course(
        lead, name="Returns", training=0, test=1, items=1, pass_mark=1.0, retries=0, wait_hours=0
    )
    asked = [
        ({}, 2),
        ({"skills": ["contract-law"]}, 0),
        ({"language": "de"}, 0),
        ({"requires_qualification": True}, 0),
    ]
    assert course.rubric_name == "Returns"
    for change, judges in asked:
        setup = described(lead, ndjson(2), **change)
        found = prospects.of(setup, at=clock.now())
        assert found.judges == judges
        assert found.is_too_few == (judges < 2)


def test_seconds_come_from_people_who_judged_by_the_same_protocol(lead, both):
    setup = described(lead, ndjson(4))
    assert prospects.of(setup, at=clock.now()).each.learned_from is None
    campaign = opened(described(lead, ndjson(12)), lead)
    for evaluator in both:
        while shown := factory.next_for(evaluator):
            factory.judge(shown, 1, active_ms=1)
    campaign.judgments.update(state="final", settled_at=clock.now(), active_ms=12_000)
    found = prospects.of(setup, at=clock.now())
    assert (found.each.seconds, found.each.learned_from) == (12.0, 24)
    assert found.hours == pytest.approx(8 * 12 / 3600)
    rating = begun(lead, ndjson(2, sources=("heron",)), protocol="rating")
    rating = setups.describe(
        rating.pk,
        body=USUAL | {"rubric": setup_form.whole_rubric("", "rating")},
        by=lead,
        at=clock.now(),
    )
    assert prospects.of(rating, at=clock.now()).each.learned_from is None


# ── The pages ────────────────────────────────────────────────────────────────────────────────────────


def test_the_pages_lead_from_a_file_to_an_open_campaign(lead, both):
    client = signed_in(lead)
    sent = client.post(
        "/campaigns/new/", {"protocol": "pairwise", "items": "file", "file": uploaded(CSV, "items.csv")}
    )
    setup = Setup.objects.get()
    assert sent.headers["Location"] == f"/campaigns/new/{setup.public_id}/"
    page = client.get(sent.headers["Location"]).content.decode()
    assert "2 items from items.csv" in page
    said = client.post(
        f"/campaigns/new/{setup.public_id}/",
        form_of(setup, criteria="Which is more correct? | By the help pages.", overlap="2", repeat_share="5"),
    )
    assert said.headers["Location"] == f"/campaigns/new/{setup.public_id}/review/"
    page = client.get(f"{said.headers['Location']}?rate=18").content.decode()
    assert "2 items, 2 evaluators each" in page
    assert "0.80" in page  # 4 judgments of 40 s at 18 an hour
    setup.refresh_from_db()
    for _ in range(2):
        answer = client.post(f"/campaigns/new/{setup.public_id}/review/", {"seen": setups.digest_of(setup)})
        campaign = Campaign.objects.get()
        assert answer.headers["Location"] == campaign.get_absolute_url()
    assert (campaign.repeat_share, campaign.repeat_after_hours) == (0.05, 48)
    assert campaign.rubric.body["criteria"][0] == {
        "id": "which-is-more-correct",
        "question": "Which is more correct?",
        "anchors": "By the help pages.",
    }
    assert Task.objects.filter(campaign=campaign).count() == 2


def test_what_is_wrong_in_a_file_is_listed_and_nothing_begins(lead):
    client = signed_in(lead)
    bad = ndjson(1) + b'{"item": "q9", "prompt": "<b>?", "responses": 3}\nnonsense\n'
    page = client.post("/campaigns/new/", {"protocol": "pairwise", "items": "file", "file": uploaded(bad)})
    assert page.status_code == 422
    text = page.content.decode()
    assert "Line 2" in text
    assert "Line 3" in text
    assert "responses" in text
    without = client.post("/campaigns/new/", {"protocol": "pairwise", "items": "file"})
    assert without.status_code == 422
    assert not Setup.objects.exists()


def test_what_was_typed_stands_there_still_where_something_is_wrong(lead):
    client = signed_in(lead)
    setup = begun(lead, ndjson(2))
    page = client.post(
        f"/campaigns/new/{setup.public_id}/",
        form_of(setup, overlap="many", question="", guidance="Mine & yours", skills=["nobodys"]),
    )
    assert page.status_code == 422
    text = page.content.decode()
    for kept in ('value="many"', "Mine &amp; yours", 'href="#question"', 'href="#overlap"'):
        assert kept in text
    assert "{&#x27;" not in text


def test_the_text_of_a_rubric_is_filled_in_without_scripts_and_keeps_what_the_form_does_not_show(lead):
    factory.stand_alone(
        "pairwise",
        lead=lead,
        rubric={
            "name": "Careful",
            "question": "Which serves better?",
            "guidance": "Read both.",
            "strength": True,
            "criteria": [{"id": "kind", "question": "Which is kinder?", "anchors": "In tone."}],
            "rationale": ["both_bad"],
        },
    )
    client = signed_in(lead)
    setup = begun(lead)
    filled = client.post(
        f"/campaigns/new/{setup.public_id}/",
        form_of(setup, fill="1", start_from="Careful", name="Kept"),
    ).content.decode()
    assert "Which is kinder? | In tone." in filled
    assert 'value="Kept"' in filled
    careful = setup_form.rubric_fields(setup_form.whole_rubric("Careful", "pairwise"))
    client.post(f"/campaigns/new/{setup.public_id}/", form_of(setup, **careful))
    setup.refresh_from_db()
    campaign = opened(setup, lead)
    assert str(campaign.rubric) == "Careful v1"
    assert campaign.rubric.body["strength"] is True


def test_a_rating_and_marked_errors_are_set_up_by_the_form(lead):
    client = signed_in(lead)
    for protocol, more in (
        ("rating", {"scale": "Bad\n\nGood", "criteria": "Is it kind?"}),
        ("spans", {"reasons": "Not true | major\nUnclear"}),
        ("ranking", {}),
    ):
        setup = begun(lead, protocol=protocol)
        answer = client.post(f"/campaigns/new/{setup.public_id}/", form_of(setup, **more))
        assert answer.status_code == 302, answer.content.decode()
        setup.refresh_from_db()
        campaign = opened(setup, lead)
        assert campaign.protocol == protocol
    rubric = Campaign.objects.get(protocol="rating").rubric
    assert rubric.body["criteria"][0]["scale"] == ["Bad", "", "Good"]


def test_a_lead_need_not_wait_for_a_worker_to_open_an_experiments_campaign(owner, platform, custodian, lead):
    experiment = experiments.measured(risk="high", owner=owner, platform=platform, custodian=custodian)
    client = signed_in(lead)
    assert experiment.public_id in client.get("/campaigns/new/").content.decode()
    for _ in range(2):
        answer = client.post(f"/campaigns/new/for/{experiment.public_id}/")
        campaign = Campaign.objects.get(experiment=experiment)
        assert answer.headers["Location"] == campaign.get_absolute_url()
    assert (campaign.opened_by, campaign.overlap) == (lead, 2)
    assert experiment.public_id not in client.get("/campaigns/new/").content.decode()


def test_an_experiment_that_waits_for_nobody_gets_no_campaign(owner, platform, custodian, lead):
    decided = experiments.measured(owner=owner, platform=platform, custodian=custodian)
    assert Experiment.objects.get().status == "decided"
    client = signed_in(lead)
    answer = client.post(f"/campaigns/new/for/{decided.public_id}/")
    assert answer.headers["Location"] == "/campaigns/new/"
    assert not Campaign.objects.exists()


def test_the_review_costs_the_same_with_more_people_and_judgments(lead, both):
    setup = described(lead, ndjson(3))
    client = signed_in(lead)

    def visit():
        assert client.get(f"/campaigns/new/{setup.public_id}/review/").status_code == 200

    no_query_growth(visit, lambda number: signed(person(f"judge{number}", Role.EVALUATOR)))


def test_the_same_campaign_can_be_opened_by_api(lead, both):
    body = {name: value for name, value in USUAL.items() if name != "requires_qualification"}
    answer = bearer(lead, "campaigns:manage").post(
        "/api/v1/campaigns", body | {"protocol": "pairwise"}, content_type="application/json"
    )
    by_page = opened(described(lead, None), lead)
    by_api = Campaign.objects.get(public_id=answer.json()["id"])
    for field in ("name", "protocol", "rubric", "overlap", "sla", "priority", "language", "course"):
        assert getattr(by_api, field) == getattr(by_page, field), field


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"scale": ["poor", "", "as good as heron"]}, "rubric.scale"),
        (
            {
                "scale": ["poor", "", "good"],
                "criteria": [{"id": "a", "question": "Clear?", "scale": ["no", "like heron"]}],
            },
            "rubric.criteria.0",
        ),
    ],
)
def test_points_of_a_scale_name_no_system_of_the_file(lead, parts, field):
    setup = begun(lead, ndjson(2, sources=("heron",)), protocol="rating")
    with pytest.raises(Invalid) as told:
        setups.describe(setup.pk, body=USUAL | {"rubric": USUAL["rubric"] | parts}, by=lead, at=clock.now())
    assert (told.value.code, list(told.value.fields)) == ("names_a_system", [field])


# ── Between the last page and the opening ────────────────────────────────────────────────────────────


def test_a_due_time_that_has_passed_meanwhile_opens_nothing(lead):
    """The last page may stay open over night; a campaign that is late at once makes the ladder wait for nobody."""
    due = clock.now() + dt.timedelta(hours=1)
    setup = described(lead, ndjson(1), due_at=due.isoformat())
    with pytest.raises(Invalid) as wrong:
        setups.open_campaign(
            setup.pk, seen=setups.digest_of(setup), by=lead, at=due + dt.timedelta(seconds=1)
        )
    assert wrong.value.code == "bad_due_time"
    assert not Campaign.objects.exists()


def test_what_was_dropped_in_another_window_is_not_opened(lead):
    setup = described(lead, ndjson(1))
    seen = setups.digest_of(setup)
    setups.drop(setup.pk, by=lead)
    with pytest.raises(NotFound):
        setups.open_campaign(setup.pk or 0, seen=seen, by=lead, at=clock.now())


@pytest.mark.parametrize(
    "typed",
    [
        {"overlap_kind": "adaptive", "confidence": "nan"},
        {"overlap_kind": "adaptive", "calibration_share": "inf"},
        {"overlap": "-1"},
        {"overlap": "two"},
        {"overlap_kind": "adaptive", "overlap_min": "-2"},
        {"due_at": "2020-1-5 3:04"},
        {"repeat_share": "nan"},
        {"repeat_share": "-5"},
        {"repeat_share": "5", "repeat_hours": "two"},
        {"repeat_share": "5", "repeat_hours": "0"},
        {"overlap": "²"},
        {"due_at": "9999-12-31T23:59"},
        {"due_at": "0001-01-01T00:00"},
        {"question": "a\x00b"},
        {"guidance": "a\x00b"},
        {"criteria": "a\x00b: c\x00?"},
        {"scale": "\x00"},
        {"name": "\x00"},
        {"start_from": "\x00", "fill": "1"},
        {"skills": ["\x00"]},
        {"language": "\x00"},
        {"sla": "\x00"},
        {"priority": "\x00"},
    ],
)
def test_odd_words_in_the_form_are_answered(lead, typed):
    setup = begun(lead, ndjson(1))
    answer = signed_in(lead).post(f"/campaigns/new/{setup.public_id}/", form_of(setup, **typed))
    assert answer.status_code in (200, 422), (typed, answer.status_code)
