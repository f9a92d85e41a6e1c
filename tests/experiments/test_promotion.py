"""No promotion without an experiment that passed, and none that only one person wanted."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.accounts.roles import Role
from evaltrack.errors import Conflict, Invalid, NotFound, Refused, Stale
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from evaltrack.notifications.models import Notification
from experiments import conclusion, promotion, registration, registry, submission
from experiments.models import Deployment, Experiment, PromotionRequest, PromotionStatus
from tests.conftest import person
from tests.experiments.running.test_scheduler import in_threads
from tests.experiments.test_conclusion import record_people
from tests.factories import experiments

REASON = "The gate passed and the owner of the shop agreed."


@pytest.fixture
def passed(people):
    return experiments.measured(**people)


@pytest.fixture
def request_of(owner):
    """Ask for a promotion as the owner."""

    def ask(experiment, environment="production", by=owner, reason=REASON):
        return promotion.request(experiment, environment=environment, reason=reason, by=by, at=clock.now())

    return ask


@pytest.fixture
def open_request(passed, request_of):
    return request_of(passed)


def approve(row, by, **given):
    given = {"reason": REASON, "seen_digest": row.decision_digest, "at": clock.now(), **given}
    return promotion.approve(row.pk, by=by, **given)


def reject(row, by):
    return promotion.reject(row.pk, by=by, reason=REASON, at=clock.now())


def events(*names):
    return list(LedgerEntry.objects.filter(event__in=names).order_by("index").values_list("event", flat=True))


# Requesting


def test_the_owner_asks_and_every_approver_is_told(open_request, passed, approver, request_of):
    assert (open_request.status, open_request.version) == ("open", passed.candidate)
    assert open_request.evidence_digest == passed.verdicts.get().evidence_digest
    assert open_request.public_id.startswith("prm-")
    assert events(Event.PROMOTION_REQUESTED) == [Event.PROMOTION_REQUESTED]


def test_an_approver_finds_the_request_in_the_inbox(approver, passed, request_of):
    row = request_of(passed)
    told = Notification.objects.get(dedupe_key=f"promotion-requested:{row.public_id}")
    assert told.recipient == approver


def test_a_promotion_without_an_experiment_is_refused_by_the_act(request_of, db):
    with pytest.raises(Invalid, match="must name the experiment that justifies it") as refused:
        request_of(None)
    assert refused.value.fields == {"experiment": ["is required"]}


def test_a_promotion_without_an_experiment_is_refused_by_the_database(open_request):
    row = PromotionRequest.objects.get(pk=open_request.pk)
    row.pk, row.public_id, row.environment, row.experiment_id = None, "prm-x", "staging", None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionRequest.objects.update(experiment=None)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"better": False, "examples": 90}, "not_passed"),
        # Ten examples, equal in both arms: no interval of the latency, hence inconclusive.
        ({"better": False, "examples": 12}, "not_passed"),
        ({"risk": "high"}, "not_decided"),
    ],
)
def test_a_verdict_that_is_no_pass_is_not_promoted(people, request_of, given, code):
    experiment = experiments.measured(**people, **given)
    for environment in ("staging", "production"):
        with pytest.raises(Refused) as refused:
            request_of(experiment, environment)
        assert refused.value.code == code
    assert not PromotionRequest.objects.exists()


def test_a_queued_experiment_justifies_nothing(people, request_of):
    experiment = experiments.submitted(**people)
    with pytest.raises(Refused, match="is queued; wait for its verdict"):
        request_of(experiment)


def test_a_smoke_test_justifies_nothing(people, request_of):
    experiment = experiments.measured(**people)
    Experiment.objects.filter(pk=experiment.pk).update(tier="smoke")
    experiment.refresh_from_db()
    with pytest.raises(Refused) as refused:
        request_of(experiment)
    assert refused.value.code == "smoke_only"


def test_a_provisional_pass_goes_to_staging_and_not_to_production(people, request_of, lead):
    experiment = experiments.measured(**people, risk="high")
    experiments.proxy_stands_in(experiment, lead)
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    with pytest.raises(Refused) as refused:
        request_of(experiment)
    assert refused.value.code == "provisional"
    assert request_of(experiment, "staging").status == "open"


def test_high_risk_goes_to_production_on_the_extended_tier_only(people, request_of, lead):
    experiment = experiments.measured(**people, risk="high")
    record_people(experiment, lead)
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    with pytest.raises(Refused) as refused:
        request_of(experiment)
    assert refused.value.code == "tier_too_small"
    thorough = experiments.measured(**people, risk="high", tier="extended", name="thorough")
    record_people(thorough, lead)
    assert request_of(Experiment.objects.with_names().get(pk=thorough.pk)).status == "open"


@pytest.mark.parametrize("who", ["platform", "approver", "admin_person", "outsider"])
def test_only_the_owner_or_a_machine_asks(passed, request_of, who, request, ci):
    with pytest.raises(Refused) as refused:
        request_of(passed, by=request.getfixturevalue(who))
    assert refused.value.code == "not_owner"
    assert request_of(passed, by=ci).requested_by == ci


@pytest.mark.parametrize("reason", ["", "         ", "ok", "123456789 "])
def test_a_reason_is_needed(passed, request_of, reason):
    with pytest.raises(Invalid) as refused:
        request_of(passed, reason=reason)
    assert refused.value.code == "reason_too_short"


def test_an_unknown_environment_names_the_known_ones(passed, request_of):
    with pytest.raises(Invalid, match="Environments are staging, production"):
        request_of(passed, "moon")


def test_one_request_is_open_per_component_and_environment(passed, request_of):
    request_of(passed)
    with pytest.raises(Conflict, match="There is an open promotion of adder to production"):
        request_of(passed)
    assert request_of(passed, "staging").status == "open"
    assert PromotionRequest.objects.count() == 2


# Deciding


def test_approval_deploys_and_ends_what_ran_before(people, passed, open_request, approver, request_of):
    first = approve(open_request, approver)
    assert (first.status, first.closed_by) == (PromotionStatus.APPROVED, approver)
    component = passed.component
    question = submission.Question(
        component=component,
        candidate=experiments.component_version(component, people["platform"], version="v1.2.0"),
        baseline=passed.candidate,
        dataset_version=passed.dataset_version,
        policy=passed.policy,
    )
    again = submission.submit(question, by=people["owner"], at=clock.now())
    experiments.answer_all(again, experiments.right_for(list(experiments.Arm)[1:]))
    conclusion.conclude(again, at=clock.now())
    second = approve(request_of(Experiment.objects.with_names().get(pk=again.pk)), approver)
    old, new = Deployment.objects.order_by("started_at")
    assert (old.promotion, new.promotion) == (first, second)
    assert old.ended_at == new.started_at
    assert new.ended_at is None
    assert registry.running(component, "production", at=new.started_at) == new
    assert registry.running(component, "production", at=new.started_at - dt.timedelta(microseconds=1)) == old
    assert registry.running(component, "production", at=old.started_at - dt.timedelta(seconds=1)) is None
    assert registry.running(component, "staging", at=new.started_at) is None


def test_an_approval_enters_the_ledger_and_the_ledger_is_whole(open_request, approver, capsys):
    approve(open_request, approver)
    assert events(Event.PROMOTION_REQUESTED, Event.PROMOTION_APPROVED, Event.PRODUCTION_CHANGED) == [
        Event.PROMOTION_REQUESTED,
        Event.PROMOTION_APPROVED,
        Event.PRODUCTION_CHANGED,
    ]
    entry = LedgerEntry.objects.get(event=Event.PROMOTION_APPROVED)
    assert entry.facts["experiment"] == open_request.experiment.public_id
    assert entry.facts["decision_digest"] == open_request.decision_digest
    assert REASON not in bytes(entry.canonical).decode()
    assert verify().findings == []
    call_command("verify_ledger")
    assert "The ledger is sound." in capsys.readouterr().out


def test_the_requester_hears_of_the_decision(open_request, approver, owner):
    approve(open_request, approver)
    told = Notification.objects.get(dedupe_key=f"promotion-closed:{open_request.public_id}")
    assert told.recipient == owner


@pytest.mark.parametrize("act", ["approve", "reject"])
@pytest.mark.parametrize(
    ("roles", "code"),
    [
        ([Role.ADMIN], "not_approver"),
        ([Role.PLATFORM], "not_approver"),
        ([Role.OWNER], "not_approver"),
        ([Role.AUDITOR], "not_approver"),
        ([], "not_approver"),
        ([Role.ADMIN, Role.APPROVER], "never_approves"),
        ([Role.PLATFORM, Role.APPROVER], "never_approves"),
    ],
)
def test_administrators_and_platform_engineers_never_decide(open_request, act, roles, code):
    refused(open_request, person("somebody", *roles), act, code)


def refused(row, by, act, code):
    with pytest.raises(Refused) as refusal:
        {"approve": approve, "reject": reject}[act](row, by)
    assert refusal.value.code == code
    row.refresh_from_db()
    assert row.status == PromotionStatus.OPEN
    assert not Deployment.objects.exists()


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_who_asked_does_not_decide(platform, custodian, act, request_of):
    both = person("both", Role.OWNER, Role.APPROVER)
    experiment = experiments.measured(owner=both, platform=platform, custodian=custodian)
    refused(request_of(experiment, by=both), both, act, "own_request")


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_who_made_the_configuration_does_not_decide(platform, custodian, ci, act, request_of):
    both = person("both", Role.OWNER, Role.APPROVER)
    experiment = experiments.measured(owner=both, platform=platform, custodian=custodian)
    refused(request_of(experiment, by=ci), both, act, "own_work")


@pytest.mark.parametrize("act", ["approve", "reject"])
def test_a_machine_never_decides(open_request, ci, act):
    refused(open_request, ci, act, "not_approver")


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_the_database_knows_that_it_takes_two(open_request, owner, approver, status):
    decided = {"status": status, "closed_at": clock.now(), "closing_reason": REASON}
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionRequest.objects.filter(pk=open_request.pk).update(**decided, closed_by=owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionRequest.objects.filter(pk=open_request.pk).update(**decided, closed_by=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        PromotionRequest.objects.filter(pk=open_request.pk).update(
            **{**decided, "closing_reason": ""}, closed_by=approver
        )
    assert PromotionRequest.objects.filter(pk=open_request.pk).update(**decided, closed_by=approver) == 1


def test_evidence_that_changed_since_it_was_shown_is_refused(open_request, approver):
    with pytest.raises(Stale) as stale:
        approve(open_request, approver, seen_digest="0" * 64)
    assert stale.value.code == "evidence_changed"
    assert not Deployment.objects.exists()


@pytest.mark.parametrize("altered", ["comparison", "output", "configuration", "plan"])
def test_whatever_the_evidence_is_made_of_cannot_be_altered_unseen(open_request, approver, altered):
    experiment = open_request.experiment
    if altered == "comparison":
        experiment.comparisons.filter(order=0).update(outcome="INCONCLUSIVE")
    elif altered == "output":
        experiment.outputs.filter(position=3).update(text="something that nobody said")
    elif altered == "plan":
        type(experiment.plan).objects.update(body={**experiment.plan.body, "seed": 1})
    else:
        type(experiment.candidate).objects.filter(pk=experiment.candidate_id).update(
            configuration={"other": 1}
        )
    with pytest.raises(Stale, match="Reload and look at it again"):
        approve(open_request, approver)
    assert not Deployment.objects.exists()


def test_a_verdict_that_was_reversed_since_is_refused(people, request_of, approver, lead):
    experiment = experiments.measured(**people, risk="high")
    experiments.proxy_stands_in(experiment, lead)
    row = request_of(Experiment.objects.with_names().get(pk=experiment.pk), "staging")
    record_people(experiment, lead, low=-0.9, high=-0.7)
    with pytest.raises(Refused) as refusal:
        approve(row, approver)
    assert refusal.value.code == "not_passed"
    assert not Deployment.objects.exists()


def test_a_closed_request_is_not_decided_again(open_request, approver):
    approve(open_request, approver)
    other = person("approver_two", Role.APPROVER)
    with pytest.raises(Refused) as refusal:
        promotion.reject(open_request.pk, by=other, reason=REASON, at=clock.now())
    assert refusal.value.code == "already_closed"
    assert Deployment.objects.count() == 1


def test_deciding_needs_a_reason(open_request, approver):
    with pytest.raises(Invalid) as refusal:
        approve(open_request, approver, reason="ok")
    assert refusal.value.code == "reason_too_short"
    with pytest.raises(Invalid):
        promotion.reject(open_request.pk, by=approver, reason="", at=clock.now())


def test_a_rejection_frees_the_place_for_a_new_request(open_request, approver, passed, request_of):
    promotion.reject(open_request.pk, by=approver, reason=REASON, at=clock.now())
    assert request_of(passed).status == PromotionStatus.OPEN
    assert not Deployment.objects.exists()


def test_the_owner_withdraws_and_nobody_else(open_request, owner, approver):
    with pytest.raises(Refused) as refusal:
        promotion.withdraw(open_request.pk, by=approver, at=clock.now())
    assert refusal.value.code == "not_requester"
    for _ in range(2):
        promotion.withdraw(open_request.pk, by=owner, at=clock.now())
    assert events(Event.PROMOTION_WITHDRAWN) == [Event.PROMOTION_WITHDRAWN]


def test_what_is_approved_cannot_be_withdrawn(open_request, owner, approver):
    approve(open_request, approver)
    with pytest.raises(Conflict):
        promotion.withdraw(open_request.pk, by=owner, at=clock.now())


def test_a_request_that_is_not_there_is_not_found(approver):
    with pytest.raises(NotFound):
        promotion.reject(0, by=approver, reason=REASON, at=clock.now())


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_approvers_at_the_same_moment_deploy_once(open_request, approver):
    other = person("approver_two", Role.APPROVER)
    ends = []

    def decide(by):
        try:
            approve(open_request, by)
            ends.append("approved")
        except Refused as refusal:
            ends.append(refusal.code)

    in_threads(lambda: decide(approver), lambda: decide(other))
    assert sorted(ends) == ["already_closed", "approved"]
    assert Deployment.objects.count() == 1


# At the approver's desk


def test_the_desk_approves_what_it_showed(open_request, approver, client):
    client.force_login(approver)
    address = f"/admin/experiments/promotionrequest/{open_request.pk}/"
    assert open_request.decision_digest in client.get(f"{address}change/").content.decode()
    given = {"decision": "approve", "reason": REASON, "seen_digest": open_request.decision_digest}
    client.post(f"{address}decide/", given)
    open_request.refresh_from_db()
    assert open_request.status == PromotionStatus.APPROVED


def test_the_desk_decides_nothing_by_looking(open_request, approver, client):
    client.force_login(approver)
    assert client.get(f"/admin/experiments/promotionrequest/{open_request.pk}/decide/").status_code == 405
    open_request.refresh_from_db()
    assert open_request.status == PromotionStatus.OPEN


def test_the_desk_has_no_place_for_a_request_that_is_not_there(approver, client):
    client.force_login(approver)
    answer = client.post("/admin/experiments/promotionrequest/999/decide/", {"reason": REASON}, follow=False)
    assert answer.status_code in {302, 404}


def test_a_suite_of_ones_own_justifies_nothing(people, request_of):
    exploring = {"metrics": [{"metric": "latency_p50", "margin": 1000}]}
    experiment = experiments.submitted(**people)
    policy = registration.activate_policy("exploring", exploring, by=people["platform"], at=clock.now())
    Experiment.objects.filter(pk=experiment.pk).update(policy=policy)
    experiment = Experiment.objects.with_names().get(pk=experiment.pk)
    experiments.answer_all(experiment, experiments.right_for(list(experiments.Arm)))
    conclusion.conclude(experiment, at=clock.now())
    with pytest.raises(Refused) as refusal:
        request_of(Experiment.objects.with_names().get(pk=experiment.pk), "staging")
    assert refusal.value.code == "other_policy"


def test_production_is_compared_with_what_runs_there(people, passed, open_request, approver, request_of):
    approve(open_request, approver)
    again = submission.rerun(passed, by=people["owner"], at=clock.now())
    experiments.answer_all(again, experiments.right_for(list(experiments.Arm)[1:]))
    conclusion.conclude(again, at=clock.now())
    with pytest.raises(Refused) as refusal:
        request_of(Experiment.objects.with_names().get(pk=again.pk))
    assert refusal.value.code == "already_running"
    other = experiments.component_version(passed.component, people["platform"], version="v1.2.0")
    Experiment.objects.filter(pk=again.pk).update(candidate=other)
    with pytest.raises(Refused) as refusal:
        request_of(Experiment.objects.with_names().get(pk=again.pk))
    assert refusal.value.code == "other_baseline"
