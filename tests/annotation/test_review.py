"""Faults that a review found in live agreement, in "is it enough" and in stopping early: each stays away."""

import datetime as dt
import signal

from annotation import assignment, campaigns, judging, revision
from annotation.agreement import enough, figures, kept_figures, live, pairs, rollup
from annotation.jobs import roll_up_agreement
from annotation.models import AgreementState, Campaign
from annotation.sla import outlook
from evaltrack import clock
from evaltrack.accounts.roles import Permission
from evaltrack.ledger.models import LedgerEntry
from evaltrack.stats.planning import enough as planning
from experiments.models import Experiment
from tests.accounts.callers import bearer, signed_in
from tests.annotation.agreement.test_enough import judged, opened, people
from tests.annotation.agreement.test_kept_figures import take
from tests.factories import annotation as factory

__all__ = ["people"]


def test_how_many_are_needed_is_told_at_once_where_the_mean_lies_on_the_margin_but_for_rounding():
    """20 items judged by three people, with a mean of −0.05 and a margin of 0.05."""

    def hangs(*_):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, hangs)
    signal.alarm(10)
    try:
        scores = [each / 3 for each in (-3, -2, -1, 0, 1, 2, 3)]
        found = planning.enough(scores, [3, 4, 3, 1, 3, 4, 2], margin=0.05, planned=40)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert found.most is None


def test_a_campaign_that_is_overdue_and_waits_to_be_closed_has_its_page(people, lead, evaluator_one):
    campaign = opened(people, items=12)
    judged(campaign, evaluator_one, 12, 0.8)
    Campaign.objects.filter(pk=campaign.pk).update(due_at=clock.now() - dt.timedelta(hours=1))
    campaign.refresh_from_db()
    foreseen = outlook.of(campaign, at=clock.now())
    assert foreseen.is_late
    assert foreseen.missing == 0
    assert signed_in(lead).get(campaign.get_absolute_url()).status_code == 200
    api = bearer(lead, Permission.VIEW_CAMPAIGNS)
    assert api.get(f"/api/v1/campaigns/{campaign.public_id}/agreement").status_code == 200


def test_a_forecast_that_has_passed_does_not_foresee_fewer_than_there_are_or_more_than_planned():
    now = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
    passed = outlook.Outlook(5, 0, now - dt.timedelta(minutes=1), now - dt.timedelta(hours=1))
    assert enough.judged_by_then(40, 20, passed, at=now) == 20


def stopped_early(people, lead, evaluators, **rule):
    campaign = opened(
        people, items=100, overlap=2, margin=0.9, stop="settled", coefficient="krippendorff_alpha", **rule
    )
    for evaluator in evaluators:
        for _ in range(150 // len(evaluators)):
            shown = factory.next_for(evaluator)
            # Alike, but for every twelfth.
            wins = hash_of(shown.task.item) % 10 != 0
            if hash_of(shown.task.item + evaluator.username) % 12 == 0:
                wins = not wins
            factory.judge(shown, (factory.prefers_candidate if wins else factory.prefers_baseline)(shown))
    factory.the_minute_passes()
    found = figures.of(campaign, at=clock.now())
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    return found, Experiment.objects.get(pk=campaign.experiment.pk).evidence.get().body


def hash_of(text):
    return sum(ord(letter) * (place + 7) for place, letter in enumerate(text))


def test_whoever_stops_early_has_agreement_with_an_interval_that_holds_at_every_look_too(people, lead, both):
    """Else a lead who looks each day stops on the day on which agreement happens to reach the floor."""
    found, body = stopped_early(people, lead, both, floor=0.0)
    assert body["net_preference"]["kind"] == "any-time"
    assert body["agreement"] == found.any_time["krippendorff_alpha"]


def test_what_is_left_without_one_evaluator_is_not_told_by_another_interval_than_the_outcome(
    people, lead, both, evaluator_three
):
    _, body = stopped_early(people, lead, [*both, evaluator_three], floor=0.0)
    assert "without_each" not in body


def test_a_campaign_whose_last_judgment_comes_while_it_closes_was_not_stopped_early(
    people, lead, evaluator_one, monkeypatch
):
    campaign = opened(people, items=12, margin=0.5, stop="settled", floor=-1.0)
    judged(campaign, evaluator_one, 11, 0.9)
    asked = enough.closing

    def after_the_last(by, of, *, at):
        judged(campaign, evaluator_one, 1, 0.9)
        return asked(by, of, at=at)

    monkeypatch.setattr(enough, "closing", after_the_last)
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert "stopped_early" not in LedgerEntry.objects.filter(event="campaign_closed").get().facts
    body = Experiment.objects.get(pk=campaign.experiment.pk).evidence.get().body
    assert body["net_preference"].get("kind") != "any-time"


def test_the_width_of_intervals_at_every_look_stays_as_planned_when_a_task_is_left_out(campaign, both, lead):
    before = pairs.planned(campaign)
    shown = factory.next_for(both[0])
    stuck = shown.task
    assignment.give_back(
        shown.public_id, by=both[0], state="skipped", at=clock.now(), skip_reason="It is broken"
    )
    campaigns.exclude_task(stuck.pk, by=lead, reason="Nobody can judge it.", at=clock.now())
    campaign.refresh_from_db()
    assert campaign.task_count == 5
    assert pairs.planned(campaign) == before == 6


def test_a_look_between_two_batches_of_one_worker_loses_nothing(campaign, both, monkeypatch):
    """All batches of one run have the same time."""
    monkeypatch.setattr(live, "READ_UP_TO", 0)
    monkeypatch.setattr(rollup, "BATCH", 4)
    factory.judge_everything(both[:1], factory.prefers_candidate)
    now = clock.now()
    rollup.roll_up(campaign.pk, at=now)
    factory.judge_everything(both[1:], factory.prefers_candidate)
    factory.the_minute_passes()
    later = clock.now()
    AgreementState.objects.update(counted_at=later)  # as after the first batch of this run
    pending, looks = live.pending, []

    def a_batch_comes_between(of, *, at):
        if not looks:
            looks.append(rollup.roll_up(campaign.pk, at=later))
        return pending(of, at=at)

    monkeypatch.setattr(live, "pending", a_batch_comes_between)
    assert figures.of(campaign, at=later).n_judgments == 12


def test_a_rubric_that_is_revised_while_a_worker_counts_is_the_one_that_is_counted_by(
    lead, both, evaluator_three, monkeypatch
):
    """Else answers to the new question are in no sums, and what is said later of these items cannot be added up."""
    monkeypatch.setattr(live, "READ_UP_TO", 0)
    asked = {"name": "r", "question": "Which?", "guidance": ""}
    campaign = factory.stand_alone("pairwise", lead=lead, items=2, overlap=3, rubric=asked)
    make = AgreementState.objects.get_or_create

    def revised_meanwhile(**given):
        made = make(**given)
        monkeypatch.setattr(AgreementState.objects, "get_or_create", make)
        further = {"question": "Which?", "guidance": "", "criteria": [{"id": "tone", "question": "Tone?"}]}
        revision.revise(
            campaign.pk,
            rubric=further,
            asks_again=False,
            by=lead,
            reason="One more question is asked.",
            at=clock.now(),
        )
        for evaluator in both:
            for _ in range(2):
                factory.judge(factory.next_for(evaluator), 1, answers={"tone": 1})
        factory.the_minute_passes()
        judging.settle_old(at=clock.now())
        return made

    monkeypatch.setattr(AgreementState.objects, "get_or_create", revised_meanwhile)
    rollup.roll_up(campaign.pk, at=clock.now())
    factory.judge(factory.next_for(evaluator_three), 1, answers={"tone": 2})
    factory.the_minute_passes()
    campaign.refresh_from_db()
    found = figures.of(campaign, at=clock.now())
    assert isinstance(found, live.Findings)
    assert found.kept.tally.panels["tone"].totals.sum() == 5
    rollup.roll_up(campaign.pk, at=clock.now())
    assert AgreementState.objects.get().n_judgments == 5


def test_a_campaign_with_nothing_to_count_does_not_wait_to_be_counted(lead, both):
    """Of ratings there are no sums, and gold is in none: they are not looked through each minute for ever."""
    rated = factory.stand_alone("rating", lead=lead, items=2, overlap=1)
    factory.judge(factory.next_for(both[0]), rating=3)
    factory.the_minute_passes()
    roll_up_agreement()
    assert rated.pk not in rollup.waiting(at=clock.now())


def test_what_is_left_out_does_not_wait_to_be_counted_for_ever(campaign, both, lead):
    factory.judge_everything(both[:1], factory.prefers_candidate)
    shown = factory.next_for(both[1])
    stuck = shown.task
    assignment.give_back(
        shown.public_id, by=both[1], state="skipped", at=clock.now(), skip_reason="It is broken"
    )
    campaigns.exclude_task(stuck.pk, by=lead, reason="Nobody can judge it.", at=clock.now())
    factory.the_minute_passes()
    roll_up_agreement()
    assert rollup.waiting(at=clock.now()) == []


def test_beside_imports_too_a_judgment_counts_as_soon_as_nobody_can_take_it_back(lead, both):
    campaign = factory.stand_alone("pairwise", lead=lead, items=2, overlap=2)
    take(campaign, lead, 1)
    roll_up_agreement()
    before = figures.of(campaign, at=clock.now())
    assert isinstance(before, kept_figures.Figures)
    factory.judge(factory.next_for(both[0]), 1)
    later = clock.now() + dt.timedelta(minutes=5)  # and no sweep has come
    assert figures.of(campaign, at=later).n_judgments == before.n_judgments + 1
