"""Opening a campaign, closing it, and what people's judgments make of the verdict."""

import datetime as dt
import hashlib

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from annotation import assignment, campaigns, jobs, opening, presenters, queue
from annotation.models import Campaign, CampaignStatus, Judgment, Response, Slot
from annotation.sla import escalation
from evaltrack import clock
from evaltrack.canonical import canonical_json
from evaltrack.errors import Conflict, Gone, Refused
from evaltrack.ledger import merkle
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from experiments import submission
from experiments.models import EvidenceKind, Experiment, ExperimentStatus, Output
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory
from tests.factories import experiments

TWELVE = factory.suite(items=12)


@pytest.fixture
def world(owner, platform, custodian):
    return {"owner": owner, "platform": platform, "custodian": custodian}


@pytest.fixture
def waiting(world):
    """An experiment whose policy asks people."""
    return experiments.measured(risk="high", **world)


@pytest.fixture
def twelve(world, lead):
    """A campaign with items enough for an interval."""
    return factory.open_campaign(**world, suite=TWELVE)


def close(campaign, by):
    return campaigns.close(campaign.pk, by=by, at=clock.now())


def verdict_of(campaign):
    return Experiment.objects.get(pk=campaign.experiment_id).verdicts.first()


# ── Opening ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_campaign_opens_for_each_experiment_that_waits_and_only_once(waiting, world, lead, evaluator_one):
    experiments.measured(**world, name="low-risk")
    for _ in range(2):
        jobs.open_campaigns()
    campaign = Campaign.objects.get()
    assert (campaign.experiment, campaign.status, campaign.overlap) == (waiting, CampaignStatus.OPEN, 2)
    assert (campaign.tasks.count(), campaign.slots.count()) == (6, 12)
    assert lead.notifications.filter(dedupe_key__startswith="campaign-opened").count() == 1
    assert evaluator_one.notifications.filter(dedupe_key__startswith="tasks-waiting").count() == 1


def test_a_second_campaign_for_an_experiment_is_impossible(campaign):
    assert opening.open_campaign(campaign.experiment, at=clock.now()) is None
    with pytest.raises(IntegrityError), transaction.atomic():
        Campaign.objects.create(
            name="again", experiment=campaign.experiment, rubric=campaign.rubric, overlap=1,
            due_at=clock.now(), opened_at=clock.now(),
        )  # fmt: skip


def test_an_experiment_that_cannot_be_opened_does_not_hold_up_the_others(world, lead, settings):
    lost = experiments.measured(risk="high", name="lost", **world)
    rows_of_lost = [path for path in settings.STORE_DIR.rglob("*") if path.is_file()]
    found = experiments.measured(risk="high", name="found", examples=31, **world)
    for path in rows_of_lost:
        path.rename(path.with_suffix(".away"))
    jobs.open_campaigns()
    assert [each.experiment for each in Campaign.objects.all()] == [found]
    for path in rows_of_lost:
        path.with_suffix(".away").rename(path)
    jobs.open_campaigns()
    assert {each.experiment for each in Campaign.objects.all()} == {found, lost}


def test_the_sample_is_seeded_and_as_large_as_the_policy_says(world, lead):
    campaign = factory.open_campaign(**world)

    def items(seed, size):
        campaign.seed = seed
        sample = opening.sampled_items(campaign, campaign.experiment, size=size)
        return [item.item for item in sample]

    assert items("one", 8) == items("one", 8)
    assert len(set(items("one", 8))) == 8
    assert items("another", 8) != items("one", 8)
    assert len(items("one", 500)) == 30


def test_only_what_both_arms_answered_is_judged(world, lead):
    experiment = experiments.submitted(
        risk="high", **world, suite={**factory.suite(items=30), "max_error_share": 0.5}
    )
    silent = {"q3": "baseline", "q5": "candidate"}
    experiments.answer_all(
        experiment, lambda arm, output, expected: None if silent.get(output.example_id) == arm else expected
    )
    experiments.conclusion.conclude(experiment, at=clock.now())
    campaign = opening.open_campaign(Experiment.objects.get(pk=experiment.pk), at=clock.now())
    assert set(campaign.tasks.values_list("item", flat=True)) == {f"q{n}" for n in range(30)} - set(silent)


def test_due_times_are_set_when_the_campaign_opens(waiting, settings):
    at = clock.now()
    campaign = opening.open_campaign(waiting, at=at)
    due = at + dt.timedelta(hours=settings.REVIEW_DUE_HOURS)
    assert campaign.due_at == due
    assert set(campaign.tasks.values_list("due_at", flat=True)) == {due}
    assert set(campaign.slots.values_list("due_at", flat=True)) == {due}


def test_opening_is_in_the_ledger(campaign):
    entry = LedgerEntry.objects.get(event="campaign_opened")
    assert entry.subject_id == str(campaign.public_id)
    assert entry.content["facts"] == {
        "experiment": campaign.experiment.public_id,
        "items": 6,
        "overlap": 2,
        "protocol": "pairwise",
        "rubric": "helpfulness v1",
        "simulated": False,
        "skills": [],
        "language": None,
        "sla": "built-in v1",
        "sla_sha256": campaign.sla.digest,
        "priority": "normal",
    }


# ── Closing ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_campaign_is_not_closed_while_judgments_are_missing(campaign, both, lead):
    factory.judge_everything(both[:1])
    with pytest.raises(Refused, match="6 judgments are still missing") as refused:
        close(campaign, lead)
    assert refused.value.code == "still_open"
    assert campaign.experiment.evidence.count() == 0
    factory.judge_everything(both[1:])
    assert close(campaign, lead).status == CampaignStatus.CLOSED


def test_only_leads_close(campaign, both, owner, platform, approver, admin_person):
    factory.judge_everything(both)
    for somebody in (owner, platform, approver, admin_person, both[0]):
        with pytest.raises(Refused) as refused:
            close(campaign, somebody)
        assert refused.value.code == "not_lead"
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.OPEN


def test_closing_twice_is_a_conflict(campaign, both, lead):
    factory.judge_everything(both, factory.prefers_candidate)
    close(campaign, lead)
    with pytest.raises(Conflict) as refused:
        close(campaign, lead)
    assert refused.value.code == "already_closed"
    assert campaign.experiment.evidence.count() == 1


def test_a_closed_campaign_says_who_closed_it(campaign, both, lead):
    factory.judge_everything(both)
    close(campaign, lead)
    with pytest.raises(IntegrityError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(closed_by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Campaign.objects.filter(pk=campaign.pk).update(status="open")


def test_people_who_agree_on_the_candidate_pass_it(twelve, both, lead):
    factory.judge_everything(both, factory.prefers_candidate)
    close(twelve, lead)
    verdict = verdict_of(twelve)
    assert (verdict.outcome, verdict.people, verdict.provisional) == ("PASS", "PASS", False)
    assert Experiment.objects.get(pk=twelve.experiment_id).status == ExperimentStatus.DECIDED


def test_people_who_prefer_the_baseline_fail_a_candidate_that_its_metrics_passed(twelve, both, lead):
    factory.judge_everything(both, factory.prefers_baseline)
    close(twelve, lead)
    verdict = verdict_of(twelve)
    assert (verdict.outcome, verdict.automated, verdict.people) == ("FAIL", "PASS", "FAIL")


def test_people_who_do_not_agree_with_each_other_decide_nothing(twelve, both, lead):
    factory.judge_everything(both[:1], factory.prefers_candidate)
    factory.judge_everything(both[1:], factory.prefers_baseline)
    close(twelve, lead)
    verdict = verdict_of(twelve)
    assert (verdict.outcome, verdict.automated, verdict.people) == ("INCONCLUSIVE", "PASS", "INCONCLUSIVE")
    assert "does not reach the floor" in verdict.reasons[0]


def test_too_few_judgments_decide_nothing(world, both, lead):
    campaign = factory.open_campaign(**world, suite=factory.suite(items=2))
    factory.judge_everything(both, factory.prefers_candidate)
    close(campaign, lead)
    assert verdict_of(campaign).outcome == "INCONCLUSIVE"


def test_the_owner_is_told_the_verdict(twelve, both, lead, owner):
    factory.judge_everything(both, factory.prefers_candidate)
    close(twelve, lead)
    told = owner.notifications.order_by("-pk").first()
    assert told.subject == f"{twelve.experiment}: PASS"


def test_closing_is_in_the_ledger_with_the_evidence(twelve, both, lead):
    factory.judge_everything(both, factory.prefers_candidate)
    close(twelve, lead)
    events = list(LedgerEntry.objects.order_by("-index").values_list("event", flat=True)[:3])
    assert events == ["campaign_closed", "experiment_decided", "human_evidence_recorded"]
    closed = LedgerEntry.objects.get(event="campaign_closed")
    assert (closed.actor, closed.actor_role) == (lead.public_id, "lead")
    evidence = twelve.experiment.evidence.get(kind=EvidenceKind.HUMAN)
    assert evidence.body["judgments_root"] == closed.content["facts"]["judgments_root"]
    assert (evidence.body["judgments"], evidence.body["items"]) == (24, 12)
    assert evidence.body["counts"] == {"baseline": 0, "candidate": 24, "tie": 0, "both_bad": 0}
    assert verify().ok


def test_judgments_are_never_entries_of_their_own(campaign, both, lead):
    before = LedgerEntry.objects.count()
    factory.judge_everything(both)
    assert LedgerEntry.objects.count() == before


def test_the_root_in_the_ledger_proves_each_judgment(campaign, both, lead):
    factory.judge_everything(both, factory.prefers_candidate)
    close(campaign, lead)
    root = bytes.fromhex(LedgerEntry.objects.get(event="campaign_closed").content["facts"]["judgments_root"])
    leaves = [
        merkle.leaf_hash(
            canonical_json(
                {
                    "judgment": str(judgment.public_id),
                    "task": str(judgment.task.public_id),
                    "evaluator": str(judgment.evaluator.public_id),
                    "responses": [
                        {"source": source, "sha256": hashlib.sha256(text.encode()).hexdigest()}
                        for source, text in zip(
                            factory.sources_of(judgment.task), factory.texts_of(judgment.task), strict=True
                        )
                    ],
                    "excluded": False,
                    "state": "final",
                    "choice": judgment.choice,
                    "strength": None,
                    "answers": {},
                    "first_on_slot_1": judgment.places == "01",
                    "submitted_at": judgment.submitted_at.isoformat(),
                }
            )
        )
        for judgment in campaign.judgments.order_by("public_id")
    ]
    assert len(leaves) == 12
    for index, leaf in enumerate(leaves):
        proof = merkle.inclusion_proof(index, leaves)
        assert merkle.verify_inclusion(leaf, index, len(leaves), proof, root)
        assert not merkle.verify_inclusion(merkle.leaf_hash(b"another"), index, len(leaves), proof, root)


@pytest.mark.parametrize("change", [{"choice": "both_bad"}, {"places": None}])
def test_a_judgment_changed_afterwards_no_longer_fits_the_root(campaign, both, lead, change):
    factory.judge_everything(both)
    close(campaign, lead)
    root = LedgerEntry.objects.get(event="campaign_closed").content["facts"]["judgments_root"]
    assert campaigns.judgments_root(campaign) == root
    judgment = campaign.judgments.first()
    if "places" in change:
        change = {"places": judgment.places[::-1]}
    Judgment.objects.filter(pk=judgment.pk).update(**change)
    assert campaigns.judgments_root(campaign) != root


def root_of(campaign):
    entry = LedgerEntry.objects.get(event="campaign_closed", subject_id=campaign.public_id)
    return entry.content["facts"]["judgments_root"]


def test_responses_exchanged_afterwards_no_longer_fit_the_root(campaign, both, lead):
    """The choices stay "first" and "second", but they would speak of the other system."""
    factory.judge_everything(both, factory.prefers_candidate)
    close(campaign, lead)
    Response.objects.update(ordinal=F("ordinal") + 2)
    Response.objects.update(ordinal=3 - F("ordinal"))
    assert campaigns.judgments_root(campaign) != root_of(campaign)


@pytest.mark.parametrize("place", [0, 1])
def test_a_response_rewritten_afterwards_no_longer_fits_the_root(campaign, both, lead, place):
    factory.judge_everything(both)
    close(campaign, lead)
    assert campaigns.judgments_root(campaign) == root_of(campaign)
    judged = campaign.tasks.first().responses.get(ordinal=place)
    Output.objects.filter(pk=judged.output_id).update(text="something else")
    assert campaigns.judgments_root(campaign) != root_of(campaign)


# ── Simulated ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def simulated(campaign):
    return opening.open_campaign(campaign.experiment, at=clock.now(), is_simulated=True)


def test_a_simulated_campaign_is_told_to_nobody(simulated, lead, evaluator_one):
    assert not lead.notifications.filter(dedupe_key__endswith=str(simulated.public_id)).exists()


def test_a_simulated_campaign_never_becomes_evidence(simulated, both, lead):
    for slot in simulated.slots.all():
        Slot.objects.filter(pk=slot.pk).update(state="done", holder=both[slot.ordinal])
    before = verdict_of(simulated)
    close(simulated, lead)
    experiment = Experiment.objects.get(pk=simulated.experiment_id)
    assert experiment.status == ExperimentStatus.AWAITING_PEOPLE
    assert not experiment.evidence.exists()
    assert verdict_of(simulated) == before
    assert LedgerEntry.objects.get(event="campaign_closed").content["facts"]["simulated"] is True


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────


def test_the_page_shows_why_it_cannot_be_closed_yet(campaign, lead):
    shown = signed_in(lead).get(campaign.get_absolute_url()).content.decode()
    assert "12 judgments are still missing" in shown
    assert "Nobody has judged yet" in shown


def test_closing_on_the_page(twelve, both, lead):
    client = signed_in(lead)
    refused = client.post(f"{twelve.get_absolute_url()}close/", follow=True)
    assert "24 judgments are still missing" in refused.content.decode()
    factory.judge_everything(both, factory.prefers_candidate)
    done = client.post(f"{twelve.get_absolute_url()}close/", follow=True)
    assert "The campaign is closed." in done.content.decode()
    assert verdict_of(twelve).outcome == "PASS"


def test_an_owner_sees_the_campaign_and_no_way_to_close_it(campaign, owner):
    client = signed_in(owner)
    assert "Close the campaign" not in client.get(campaign.get_absolute_url()).content.decode()
    assert client.post(f"{campaign.get_absolute_url()}close/").status_code == 403


# ── Cancelled ────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_is_asked_about_a_cancelled_experiment(campaign, both, owner):
    submission.cancel(campaign.experiment, by=owner, at=clock.now())
    assert queue.claim_next(both[0], at=clock.now()).reason == "all_done"
    assert presenters.my_work(both[0]) == []
    factory.becomes_due(campaign)
    assert escalation.escalate_overdue(at=clock.now()) == 0


def test_the_campaign_of_a_cancelled_experiment_closes_without_evidence(campaign, both, lead, owner):
    factory.judge(factory.next_for(both[0]))
    submission.cancel(campaign.experiment, by=owner, at=clock.now())
    assert close(campaign, lead).status == CampaignStatus.CLOSED
    assert not campaign.experiment.evidence.exists()


@pytest.mark.parametrize("is_late", [False, True])
def test_a_closed_campaign_takes_no_judgment(campaign, both, lead, owner, is_late):
    shown = factory.next_for(both[0])
    submission.cancel(campaign.experiment, by=owner, at=clock.now())
    if is_late:
        factory.lease_ends(shown)
        assignment.expire_leases(at=clock.now())
    close(campaign, lead)
    with pytest.raises(Gone, match="not asked for any more") as refused:
        factory.judge(shown)
    assert refused.value.code == "withdrawn"
    assert not Judgment.objects.exists()
    assert set(campaign.slots.values_list("state", "token", "holder")) == {("withdrawn", None, None)}
    shown.refresh_from_db()
    assert shown.state == "expired"


def test_who_has_a_task_of_a_campaign_that_closes_is_told_so_on_the_screen(campaign, both, lead, owner):
    shown = factory.next_for(both[0])
    submission.cancel(campaign.experiment, by=owner, at=clock.now())
    close(campaign, lead)
    form = {"judgment_id": str(shown.judgment_id), "preference": "1"}
    page = signed_in(both[0]).post(f"/review/{shown.public_id}/submit/", form, follow=True)
    assert "This task is not asked for any more" in page.content.decode()


def test_the_first_tag_of_an_example_is_the_stratum_of_its_item(campaign):
    """As far as these are few: of very many each would be a stratum of next to nothing."""
    assert set(campaign.tasks.values_list("stratum", flat=True)) == {"sums"}


def test_of_very_many_tags_none_is_a_stratum(owner, platform, custodian, monkeypatch):
    monkeypatch.setattr(opening, "MOST_STRATA", 0)
    campaign = factory.open_campaign(owner=owner, platform=platform, custodian=custodian)
    assert set(campaign.tasks.values_list("stratum", flat=True)) == {""}
