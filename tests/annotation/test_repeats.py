"""Now and then people are given again what they have judged, places exchanged: it counts for agreement with
themselves alone, and is nobody else's."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from annotation import assignment, campaigns, judging, opening, reassignment, repeats
from annotation.agreement import figures, oneself
from annotation.blinding.sides import place_of
from annotation.models import Assignment, Campaign, Judgment, Slot
from annotation.models.task import FIRST_REPEAT
from annotation.protocols import rules_of
from annotation.quality import evaluators
from annotation.repeats import Repeats
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Conflict, Gone, Invalid
from tests.accounts.callers import bearer, signed_in
from tests.factories import annotation as factory

LATER = dt.timedelta(hours=49)


@pytest.fixture
def campaign(lead):
    """Forty items; on every second turn one that was judged two days before comes again."""
    made = factory.stand_alone("pairwise", lead=lead, items=40)
    Campaign.objects.filter(pk=made.pk).update(repeat_share=0.5, repeat_after_hours=48)
    made.refresh_from_db()
    return made


def days_pass(campaign):
    """What was judged lies two days back, and cannot be undone."""
    factory.the_minute_passes()
    Judgment.objects.filter(campaign=campaign).update(
        state="final", settled_at=clock.now(), submitted_at=F("submitted_at") - LATER
    )


def judged(evaluator, count, prefer=lambda shown: 1):
    return [
        factory.judge(shown, prefer(shown)) for _ in range(count) if (shown := factory.next_for(evaluator))
    ]


def again_of(campaign):
    return campaign.judgments.filter(is_repeat=True).order_by("pk")


def until(campaign, evaluator, count, answer=lambda shown: {"preference": 1}):
    """Judge until so many were repeats: whose turn it is, is drawn."""
    while again_of(campaign).count() < count:
        shown = factory.next_for(evaluator)
        factory.judge(shown, **answer(shown))


@pytest.fixture
def repeated(campaign, evaluator_one):
    """Ten judgments, two days, and so many more that three were repeats."""
    judged(evaluator_one, 10)
    days_pass(campaign)
    until(campaign, evaluator_one, 3)
    return list(again_of(campaign).select_related("slot"))


def test_a_repeat_is_what_one_judged_with_the_places_exchanged(campaign, repeated):
    for again in repeated:
        first = campaign.judgments.get(task=again.task, evaluator=again.evaluator, is_repeat=False)
        assert again.places == first.places[::-1]
        assert again.slot.ordinal == FIRST_REPEAT + first.slot.ordinal
        assert first.submitted_at <= again.submitted_at - dt.timedelta(hours=48)


def test_nobody_is_asked_again_soon_after_or_a_third_time(campaign, evaluator_one):
    judged(evaluator_one, 10)
    factory.the_minute_passes()
    judged(evaluator_one, 10)
    assert not campaign.judgments.filter(is_repeat=True).exists()
    days_pass(campaign)
    judged(evaluator_one, 20)
    days_pass(campaign)
    while judged(evaluator_one, 1):
        pass
    tasks = list(again_of(campaign).values_list("task", flat=True))
    assert len(tasks) == len(set(tasks)) > 1


def test_no_figure_of_agreement_with_others_knows_of_repeats(campaign, repeated):
    factory.the_minute_passes()
    found = figures.of(campaign, at=clock.now())
    assert found.n_judgments == found.n_items == campaign.judgments.count() - len(repeated)


def intra(campaign, lead):
    client = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)
    return client.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").json()


def test_who_always_picks_the_left_contradicts_themselves_each_time(campaign, evaluator_one, lead):
    judged(evaluator_one, 15)
    days_pass(campaign)
    until(campaign, evaluator_one, 5)
    factory.the_minute_passes()
    found = intra(campaign, lead)
    assert found["n_repeats"] == 5
    assert found["intra"]["percent_agreement"]["value"] == 0
    assert found["intra"]["preference_kappa"]["value"] < 0


def test_who_prefers_a_system_agrees_with_themselves(campaign, evaluator_one, lead):
    """But for one of the repeats, by hand: the same n - 1 times of n."""

    judged(evaluator_one, 15, prefer=the_better)
    days_pass(campaign)
    until(campaign, evaluator_one, 5, lambda shown: {"preference": the_better(shown)})
    other = again_of(campaign)[0]
    Judgment.objects.filter(pk=other.pk).update(choice="first" if other.choice == "second" else "second")
    factory.the_minute_passes()
    n = 5
    assert intra(campaign, lead)["intra"]["percent_agreement"]["value"] == pytest.approx((n - 1) / n)
    page = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert f"Of {n} answers that came again" in page


def the_better(shown):
    """Where the answer of a certain system stands."""
    return place_of(factory.sources_of(shown.task).index("zz-secret-a"), shown.slot.places)


def ranked(first, shown):
    """The response `first` before the other two, which are level."""
    place = place_of(first, shown.slot.places)
    return {"ranking": [[place], [other for other in (1, 2, 3) if other != place]]}


@pytest.mark.parametrize(
    ("protocol", "name", "says"),
    [
        ("rating", "krippendorff_alpha", lambda number, shown: {"rating": 1 + number % 5}),
        ("ranking", "preference_kappa", lambda number, shown: ranked(number % 3, shown)),
        ("spans", "any_error", lambda number, shown: factory.USUAL["spans"] if number % 2 else {"spans": []}),
    ],
)
def test_who_says_the_same_of_the_same_agrees_with_themselves(protocol, name, says, lead, evaluator_one):
    made = factory.stand_alone(protocol, lead=lead, items=40)
    Campaign.objects.filter(pk=made.pk).update(repeat_share=0.5)
    made.refresh_from_db()
    numbers = {}

    def answer(shown):
        return says(numbers.setdefault(shown.task_id, len(numbers)), shown)

    for _ in range(12):
        shown = factory.next_for(evaluator_one)
        factory.judge(shown, **answer(shown))
    days_pass(made)
    until(made, evaluator_one, 8, answer)
    factory.the_minute_passes()
    found = oneself.of(made, at=clock.now())
    assert found.n == 8
    assert found.coefficients[name].value == 1
    assert signed_in(lead).get(made.get_absolute_url()).status_code == 200


def test_what_was_said_by_another_version_of_the_rubric_is_no_first_time(campaign, repeated, lead):
    Judgment.objects.filter(is_repeat=True).update(
        rubric=opening.rubric_version(
            rules_of("pairwise"), {"name": "another", "question": "Which?", "guidance": ""}
        )
    )
    factory.the_minute_passes()
    assert oneself.of(campaign, at=clock.now()).n == 0
    assert "48 hours have to lie between" in signed_in(lead).get(campaign.get_absolute_url()).content.decode()


def test_the_campaign_closes_without_them_and_its_root_knows_them(
    campaign, evaluator_one, evaluator_two, lead
):
    judged(evaluator_one, 30)
    days_pass(campaign)
    while judged(evaluator_one, 1):
        pass
    judged(evaluator_two, 100)
    shown = campaign.slots.filter(state="held").count()
    assert shown == 0
    factory.the_minute_passes()
    before = campaigns.judgments_root(campaign)
    Judgment.objects.filter(is_repeat=True).update(is_repeat=False, evaluator=lead)
    assert campaigns.judgments_root(campaign) != before
    Judgment.objects.filter(evaluator=lead).update(is_repeat=True, evaluator=evaluator_one)
    assert campaigns.close(campaign.pk, by=lead, at=clock.now()).status == "closed"


@pytest.mark.parametrize("way", ["skipped", "released", "expired"])
def test_given_back_it_is_asked_of_nobody_else(campaign, evaluator_one, evaluator_two, way):
    judged(evaluator_one, 10)
    days_pass(campaign)
    while not (shown := factory.next_for(evaluator_one)).slot.is_repeat:
        factory.judge(shown, 1)
    if way == "expired":
        assignment.expire_leases(at=clock.now() + dt.timedelta(hours=9))
    else:
        assignment.give_back(
            shown.public_id, by=evaluator_one, state=way, at=clock.now(), skip_reason="unclear"
        )
    assert Slot.objects.get(pk=shown.slot_id).state == "withdrawn"
    judged(evaluator_two, 60)
    assert not Assignment.objects.filter(evaluator=evaluator_two, slot=shown.slot).exists()


def test_an_answer_that_comes_too_late_is_refused_and_one_in_time_can_be_undone(campaign, evaluator_one):
    judged(evaluator_one, 10)
    days_pass(campaign)
    while not (shown := factory.next_for(evaluator_one)).slot.is_repeat:
        factory.judge(shown, 1)
    judgment = factory.judge(shown, 2)
    undone = judging.undo(judgment.public_id, by=evaluator_one, at=clock.now())
    assert undone.slot.state == "held"
    factory.judge(Assignment.objects.get(pk=shown.pk), 1)
    while not (shown := factory.next_for(evaluator_one)).slot.is_repeat:
        factory.judge(shown, 1)
    assignment.expire_leases(at=clock.now() + dt.timedelta(hours=9))
    with pytest.raises((Gone, Conflict)):
        factory.judge(shown, 1)


def test_no_lead_gives_a_repeat_to_somebody_else(campaign, evaluator_one, evaluator_two, lead):
    judged(evaluator_one, 10)
    days_pass(campaign)
    while not (shown := factory.next_for(evaluator_one)).slot.is_repeat:
        factory.judge(shown, 1)
    factory.becomes_due(campaign)
    assert all(row.slot.ordinal < FIRST_REPEAT for row in reassignment.late(campaign, at=clock.now()).rows)
    with pytest.raises(Conflict):
        reassignment.reassign(
            campaign.pk,
            shown.task,
            ordinal=shown.slot.ordinal,
            taken_from=evaluator_one,
            to=evaluator_two,
            by=lead,
            at=clock.now(),
        )


def test_the_same_turn_is_drawn_again_in_another_tab(campaign, evaluator_one):
    judged(evaluator_one, 10)
    days_pass(campaign)
    first, second = factory.next_for(evaluator_one), factory.next_for(evaluator_one)
    assert first == second


def test_the_database_refuses_a_second_repeat_and_an_open_one(campaign, repeated):
    again = repeated[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        Judgment.objects.filter(pk=again.pk).update(is_repeat=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        Slot.objects.filter(pk=again.slot_id).update(state="open", holder=None)


def test_nothing_that_an_evaluator_gets_says_that_it_is_a_repeat(campaign, evaluator_one):
    program = bearer(evaluator_one, Permission.JUDGE)

    def told():
        return program.post("/api/v1/queue/next", {}, content_type="application/json").json()

    plain = told()
    judged(evaluator_one, 10)
    days_pass(campaign)
    while not (shown := factory.next_for(evaluator_one)).slot.is_repeat:
        factory.judge(shown, 1)
    assert shapes(told()) == shapes(plain)
    page = signed_in(evaluator_one).get("/review/").content.decode()
    assert shown.task.prompt in page
    assert "repeat" not in page.lower()


def shapes(value):
    """Which fields an answer has, without what they say."""
    if isinstance(value, dict):
        return {name: shapes(each) for name, each in value.items()}
    return [shapes(each) for each in value] if isinstance(value, list) else type(value)


# ── Asking for them ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("share", "hours", "field"), [(0, 48, "share"), (0.6, 48, "share"), (0.1, 0, "after_hours")]
)
def test_odd_repeats_are_refused_in_words(share, hours, field):
    with pytest.raises(Invalid) as refused:
        Repeats(share, hours).columns()
    assert refused.value.fields.keys() == {f"repeats.{field}"}


def test_they_are_asked_for_by_api(lead):
    body = {"name": "Twice", "protocol": "pairwise", "repeats": {"share": 0.1, "after_hours": 24}}
    made = bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS).post(
        "/api/v1/campaigns", body, content_type="application/json"
    )
    assert made.status_code == 201, made.content
    assert made.json()["repeats"] == {"share": 0.1, "after_hours": 24}
    page = signed_in(lead).get(f"/campaigns/{made.json()['id']}/").content.decode()
    assert "10% of what each evaluator is given they have judged before" in page


def test_a_policy_asks_for_them(owner, platform, custodian):
    campaign = factory.open_campaign(
        owner=owner, platform=platform, custodian=custodian, suite=factory.suite(repeat_share=0.2)
    )
    assert campaign.repeat_share == 0.2
    assert repeats.in_words(campaign).startswith("20%")


def test_without_them_nobody_is_asked_twice(lead, evaluator_one):
    plain = factory.stand_alone("pairwise", lead=lead, items=6)
    judged(evaluator_one, 3)
    days_pass(plain)
    judged(evaluator_one, 10)
    assert plain.judgments.count() == 6


def test_who_says_something_else_the_second_time_more_often_than_others_is_raised(lead, both):
    made = factory.stand_alone("pairwise", lead=lead, items=60, overlap=2)
    Campaign.objects.filter(pk=made.pk).update(repeat_share=0.5)
    made.refresh_from_db()
    says = {both[0]: lambda shown: 1, both[1]: the_better}
    for who in both:
        judged(who, 25, prefer=says[who])
    days_pass(made)
    for who in both:
        judged(who, 35, prefer=says[who])
    factory.the_minute_passes()
    found = evaluators.of(made, at=clock.now())
    raised = {each.user: {signal.kind for signal in each.signals} for each in found.evaluators}
    assert "repeats" in raised[both[0]]
    assert "repeats" not in raised[both[1]]
    assert found.read == made.judgments.filter(is_repeat=False).count()
