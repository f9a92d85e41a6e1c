"""What becomes of what was settled: labels, the rubric's next version, and gold of a later campaign."""

import uuid

import pytest

from annotation import campaigns, opening, revision
from annotation.agreement import figures
from annotation.models import Campaign, Flag, Gold, Response, Task
from annotation.settling import guideline_notes, labels, settled_gold
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Invalid, Refused
from evaltrack.ledger.models import LedgerEntry
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory
from tests.factories import settling

REASON = "It was read in two ways."
WORDING = {"question": "Which answer solves the problem?", "guidance": "Solve it. Length is no merit."}


# ── Labels ───────────────────────────────────────────────────────────────────────────────────────────


def close(campaign: Campaign, lead):
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    campaign.refresh_from_db()


def labels_of(campaign: Campaign):
    tasks = list(campaign.tasks.select_related("gold").order_by("item"))
    return labels.as_json(campaign, tasks, at=clock.now())


def test_an_adjudication_is_the_label_and_what_is_not_settled_has_none(disputed, senior, lead):
    row = settling.settle(settling.next_conflict(senior), preference=1)
    broken = settling.settle(settling.next_conflict(senior), cause="broken")
    found = {each["task"]: each for each in labels_of(disputed)}
    settled = found.pop(str(row.task.public_id))
    source = factory.sources_of(row.task)[["first", "second"].index(row.choice)]
    assert (settled["label"], settled["by"], settled["cause"]) == (source, "adjudication", "mistake")
    none = found.pop(str(broken.task.public_id))
    assert (none["label"], none["why_not"]) == (None, "broken")
    (left,) = found.values()
    assert (left["label"], left["by"], left["why_not"]) == (None, None, "conflict")


@pytest.mark.parametrize("protocol", list(factory.USUAL))
def test_what_all_agree_about_is_the_label_in_terms_of_systems(protocol, lead, both):
    campaign = factory.stand_alone(protocol, lead=lead, items=1)
    same = {"ranking": [[1, 2, 3]]} if protocol == "ranking" else factory.USUAL[protocol]
    for evaluator in both:
        factory.judge(factory.next_for(evaluator), **same)
    factory.the_minute_passes()
    (found,) = labels_of(campaign)
    expected = {
        "pairwise": "tie",
        "rating": 4,
        "ranking": [["zz-secret-a", "zz-secret-b", "zz-secret-c"]],
        "spans": same.get("spans"),
    }[protocol]
    assert found["by"] == "agreement"
    assert (
        sorted(map(sorted, found["label"])) == expected
        if protocol == "ranking"
        else found["label"] == expected
    )


def test_labels_are_told_once_the_campaign_is_closed(disputed, lead):
    api = bearer(lead, Permission.VIEW_CAMPAIGNS)
    path = f"/api/v1/campaigns/{disputed.public_id}/labels"
    early = api.get(path)
    assert (early.status_code, early.json()["code"]) == (409, "still_judged")
    close(disputed, lead)
    assert {each["why_not"] for each in api.get(path).json()["results"]} == {"conflict"}


def test_an_answer_is_the_same_label_whoever_gave_it(lead, both):
    """Of two ratings a point apart, always the same one."""
    found = set()
    for order in (both, both[::-1]):
        campaign = factory.stand_alone("rating", lead=lead, items=1)
        for evaluator, point in zip(order, (4, 5), strict=True):
            factory.judge(factory.next_for(evaluator), rating=point)
        factory.the_minute_passes()
        found.add(labels_of(campaign)[0]["label"])
    assert found == {4}


# ── The rubric's next version ────────────────────────────────────────────────────────────────────────


def test_a_note_is_shown_beside_the_rubric_until_a_version_answers_it(disputed, senior, lead):
    row = settling.settle(settling.next_conflict(senior), cause="guideline", note="What of ties?")
    other = settling.settle(settling.next_conflict(senior), note="What of lists?")
    client = signed_in(lead)
    page = client.get(disputed.get_absolute_url()).content.decode()
    assert page.count("What of ties?") == 2  # beside the rubric, and where it is revised
    form = WORDING | {"reason": REASON, "answers_notes": [str(row.public_id)]}
    client.post(f"{disputed.get_absolute_url()}rubric/", form)
    row.refresh_from_db()
    other.refresh_from_db()
    assert (str(row.answered_in), other.answered_in) == ("helpfulness v2", None)
    disputed.refresh_from_db()
    assert list(guideline_notes.open_notes(disputed)) == [other]
    assert b'"notes_answered":1' in bytes(LedgerEntry.objects.order_by("-index")[0].canonical)


def test_notes_are_of_the_rubric_whichever_campaign_they_come_from(disputed, senior, lead):
    settling.settle(settling.next_conflict(senior), note="What of ties?")
    another = factory.stand_alone("pairwise", lead=lead)
    assert guideline_notes.open_notes(another).count() == 1
    assert guideline_notes.open_notes(factory.stand_alone("rating", lead=lead)).count() == 0


def test_only_an_open_note_can_be_answered_and_else_nothing_is_revised(disputed, lead):
    with pytest.raises(Invalid) as refused:
        revision.revise(
            disputed.pk,
            rubric=WORDING,
            asks_again=False,
            by=lead,
            reason=REASON,
            at=clock.now(),
            answers_notes=[uuid.uuid4()],
        )
    assert refused.value.code == "no_such_note"
    disputed.refresh_from_db()
    assert disputed.rubric.version == 1


def test_by_api_a_revision_answers_notes_too(disputed, senior, lead):
    row = settling.settle(settling.next_conflict(senior), note="What of ties?")
    body = {"rubric": WORDING, "reason": REASON, "answers_notes": [str(row.public_id)]}
    path = f"/api/v1/campaigns/{disputed.public_id}/rubric"
    answer = bearer(lead, Permission.MANAGE_CAMPAIGNS).post(path, body, content_type="application/json")
    assert answer.status_code == 200
    row.refresh_from_db()
    assert row.answered_in.version == 2


def test_an_owner_reads_no_notes(disputed, senior, owner):
    settling.settle(settling.next_conflict(senior), note="What of ties?")
    answer = signed_in(owner).get(disputed.get_absolute_url())
    assert b"What of ties?" not in answer.content


# ── Gold ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def later(campaign, lead):
    return opening.open_stand_alone(name="Later", overlap=2, due_at=None, by=lead, at=clock.now())


def made_gold(row, campaign, later, lead):
    if campaign.status != "closed":
        close(campaign, lead)
    return settled_gold.make(row.public_id, campaign, to=later, by=lead, at=clock.now())


def test_a_settled_item_becomes_hidden_gold_of_a_later_campaign(disputed, later, senior, lead, both):
    row = settling.settle(settling.next_conflict(senior), preference=1, comment="It answers what was asked.")
    close(disputed, lead)
    client = signed_in(lead)
    page = client.get(f"{disputed.get_absolute_url()}conflicts/").content.decode()
    assert "Make it gold" in page
    form = {"adjudication": str(row.public_id), "to": str(later.public_id)}
    client.post(f"{disputed.get_absolute_url()}settled-gold/", form)
    made = Gold.objects.get()
    assert (made.adjudication, made.why, made.task.item) == (row, row.comment, row.task.item)
    preferred = ["first", "second"].index(row.choice)
    chosen = ["first", "second"].index(made.choice)
    assert factory.texts_of(made.task)[chosen] == factory.texts_of(row.task)[preferred]
    # Which system wrote it stays in the campaign that it comes from.
    assert not set(factory.sources_of(made.task)) & set(factory.sources_of(row.task))
    assert factory.next_for(both[0]).task == made.task
    assert "Gold" in client.get(f"{disputed.get_absolute_url()}conflicts/").content.decode()


def test_no_gold_is_made_while_people_judge_as_its_answer_says_what_is_preferred(
    disputed, later, senior, lead
):
    """Whoever takes the later campaign's items along reads its gold, texts and answer."""
    row = settling.settle(settling.next_conflict(senior), preference=1, comment="It is right.")
    with pytest.raises(Refused) as refused:
        settled_gold.make(row.public_id, disputed, to=later, by=lead, at=clock.now())
    assert refused.value.code == "still_judged"
    page = signed_in(lead).get(f"{disputed.get_absolute_url()}conflicts/").content.decode()
    assert "Make it gold" not in page


def test_what_people_said_of_the_item_itself_still_counts(disputed, later, senior, lead):
    before = figures.of(disputed, at=clock.now()).n_judgments
    row = settling.settle(settling.next_conflict(senior), preference=1, comment="It is right.")
    made_gold(row, disputed, later, lead)
    assert not Gold.objects.filter(task__campaign=disputed).exists()
    assert figures.of(disputed, at=clock.now()).n_judgments == before == 6


def test_an_item_is_gold_of_a_campaign_once(disputed, later, senior, lead):
    row = settling.settle(settling.next_conflict(senior), preference=1, comment="It is right.")
    made_gold(row, disputed, later, lead)
    with pytest.raises(Conflict) as refused:
        made_gold(row, disputed, later, lead)
    assert refused.value.code == "made_before"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"cause": "defensible", "comment": "Either will do."}, "no_one_answer"),
        ({"cause": "ambiguous", "comment": "It can mean both."}, "no_one_answer"),
        ({"comment": "It is right.", "note": "What of ties?"}, "no_one_answer"),
        ({"cause": "broken"}, "no_one_answer"),
        ({}, "no_reason"),
    ],
)
def test_only_what_has_one_right_answer_and_a_reason_is_gold(disputed, later, senior, lead, given, code):
    row = settling.settle(settling.next_conflict(senior), **given)
    with pytest.raises(Refused) as refused:
        made_gold(row, disputed, later, lead)
    assert refused.value.code == code


def test_a_reason_that_names_a_system_does_not_become_an_explanation(disputed, later, senior, lead):
    row = settling.settle(settling.next_conflict(senior), comment="zz-secret-b is right.")
    with pytest.raises(Conflict) as refused:
        made_gold(row, disputed, later, lead)
    assert refused.value.code == "names_a_system"
    assert not Gold.objects.exists()


def test_what_was_redacted_stays_so(disputed, later, senior, lead):
    """The names of the first campaign's systems are nothing that the later one's gate would know."""
    row = settling.settle(settling.next_conflict(senior), preference=1, comment="It is right.")
    response = row.task.responses.get(ordinal=0)
    Response.objects.filter(pk=response.pk).update(text="zz-secret-a says 2.")
    Flag.objects.create(
        task=row.task, response=response, part=0, start=0, end=11, text="zz-secret-a", kind="alias",
        decision="redact", decided_by=lead, decided_at=clock.now(),
    )  # fmt: skip
    made = made_gold(row, disputed, later, lead)
    assert "[redacted] says 2." in factory.texts_of(made.task)


def test_it_goes_to_an_open_campaign_by_the_same_rubric(disputed, later, senior, lead):
    row = settling.settle(settling.next_conflict(senior), preference=1, comment="It is right.")
    ranking = factory.stand_alone("ranking", lead=lead)
    close(later, lead)
    for to in (disputed, ranking, later):
        with pytest.raises(Conflict) as refused:
            made_gold(row, disputed, to, lead)
        assert refused.value.code == "no_target"
    assert Task.objects.filter(gold__isnull=False).count() == 0


def test_by_api_it_is_made_once_with_its_key(disputed, later, senior, lead):
    row = settling.settle(settling.next_conflict(senior), preference=1, comment="It is right.")
    close(disputed, lead)
    api = bearer(lead, Permission.MANAGE_CAMPAIGNS)
    body = {"adjudication": str(row.public_id), "to": str(later.public_id)}
    path = f"/api/v1/campaigns/{disputed.public_id}/settled-gold"
    answers = [
        api.post(path, body, content_type="application/json", headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    ]
    assert [each.status_code for each in answers] == [201, 201]
    assert Gold.objects.count() == 1
