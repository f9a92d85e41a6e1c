"""Submitting, cancelling and repeating experiments."""

import datetime as dt
import re

import pytest
from django.db import IntegrityError, transaction
from django_q.models import OrmQ

from datasets import ingest
from evaltrack import clock
from evaltrack.canonical import digest
from evaltrack.errors import Conflict, Invalid, NotFound, Refused
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from experiments import numbering, registration, submission
from experiments.models import DailyNumber, Experiment, ExperimentStatus, GatePolicy
from experiments.submission import Question
from tests.experiments.running.test_scheduler import in_threads
from tests.factories import experiments


@pytest.fixture
def question(people):
    component = experiments.component(people["owner"], people["platform"])
    return Question(
        component=component,
        candidate=experiments.component_version(component, people["platform"], version="v1.1.0"),
        baseline=experiments.component_version(component, people["platform"], version="v1.0.0"),
        dataset_version=experiments.dataset_version(people["custodian"], examples=10),
        policy=component.policy,
    )


def asked(question: Question, **changes) -> Question:
    return Question(**{**vars(question), **changes})


def refused(question: Question, by, error: type) -> str:
    """The code with which submitting is refused; nothing is there afterwards."""
    with pytest.raises(error) as refusal:
        submission.submit(question, by=by, at=clock.now())
    assert not Experiment.objects.exists()
    assert not LedgerEntry.objects.filter(event=Event.EXPERIMENT_SUBMITTED).exists()
    return refusal.value.code


def test_an_experiment_is_queued_with_a_wake_up_and_a_ledger_entry(question, owner):
    before = OrmQ.objects.count()
    experiment = submission.submit(question, by=owner, at=clock.now())
    assert (experiment.status, experiment.attempt, experiment.needs_people) == ("queued", 1, False)
    assert OrmQ.objects.count() == before + 1
    [entry] = LedgerEntry.objects.filter(event=Event.EXPERIMENT_SUBMITTED)
    assert entry.subject_id == experiment.public_id
    assert entry.facts["candidate"] == question.candidate.digest
    assert entry.facts["dataset"] == question.dataset_version.digest


def test_an_id_says_the_day_and_a_number(question, owner):
    at = dt.datetime(2026, 11, 22, 23, 59, tzinfo=dt.UTC)
    ids = [submission.submit(question, by=owner, at=at).public_id for _ in range(2)]
    assert ids == ["exp-20261122-001", "exp-20261122-002"]
    later = submission.submit(question, by=owner, at=at + dt.timedelta(minutes=2))
    assert later.public_id == "exp-20261123-001"


def test_a_number_of_a_rolled_back_submission_is_given_again(question, owner):
    at = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    with transaction.atomic():
        submission.submit(question, by=owner, at=at)
        transaction.set_rollback(True)
    assert submission.submit(question, by=owner, at=at).public_id == "exp-20261122-001"


def test_after_nine_hundred_and_ninety_nine_the_numbers_go_on(db):
    at = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    DailyNumber.objects.create(prefix="exp", day=at.date(), last=998)
    with transaction.atomic():
        ids = [numbering.next_public_id("exp", at=at) for _ in range(2)]
    assert ids == ["exp-20261122-999", "exp-20261122-1000"]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_submissions_at_the_same_moment_get_different_ids(question, owner):
    ids = []

    def submit():
        ids.append(submission.submit(question, by=owner, at=clock.now()).public_id)

    in_threads(*[submit] * 6)
    assert len(set(ids)) == 6
    assert all(re.fullmatch(r"exp-\d{8}-00[1-6]", public_id) for public_id in ids)


@pytest.mark.django_db(transaction=True)
def test_the_same_suite_sent_twice_at_the_same_moment_is_one_policy(platform):
    rows = []

    def activate():
        rows.append(registration.activate_policy("inline", experiments.SUITE, by=platform, at=clock.now()))

    in_threads(*[activate] * 4)
    assert len(set(rows)) == 1
    assert GatePolicy.objects.get().version == 1


def test_the_owner_the_platform_team_and_machines_submit(question, owner, platform, ci):
    for by in (owner, platform, ci):
        assert submission.submit(question, by=by, at=clock.now()).submitted_by == by


@pytest.mark.parametrize("who", ["approver", "custodian", "auditor", "outsider", "evaluator_one"])
def test_nobody_else_submits(question, who, request):
    assert refused(question, request.getfixturevalue(who), Refused) == "not_owner"


def test_a_version_is_not_compared_with_itself(question, owner):
    assert refused(asked(question, candidate=question.baseline), owner, Invalid) == "same_version"


def test_the_database_refuses_a_comparison_with_oneself(question, owner):
    experiment = submission.submit(question, by=owner, at=clock.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.filter(pk=experiment.pk).update(candidate=question.baseline)


def test_a_draft_is_no_evidence(question, owner, custodian):
    dataset = question.dataset_version.dataset
    draft = ingest.take_in(dataset, version="2", lines=[b'{"input": "a"}'], by=custodian, at=clock.now())
    assert refused(asked(question, dataset_version=draft), owner, Invalid) == "dataset_draft"


def test_a_host_that_is_not_allowed_is_refused_when_registered_and_when_submitted(question, owner, settings):
    with pytest.raises(Refused, match=r"evil\.example:80 is not on the list of hosts that may be called"):
        experiments.component_version(
            question.component, owner, version="v9", base_url="http://evil.example/v1"
        )
    settings.TARGET_HOSTS = ["elsewhere.example:443"]
    assert refused(question, owner, Refused) == "host_not_allowed"


@pytest.mark.parametrize(
    "base_url", ["file:///etc/passwd", "127.0.0.1:9", "http://", "http://127.0.0.1:port/", "gopher://a:1/"]
)
def test_what_is_no_address_is_refused(question, owner, base_url):
    with pytest.raises(Refused) as bad:
        experiments.component_version(question.component, owner, version="v9", base_url=base_url)
    assert bad.value.code == "bad_address"


@pytest.mark.parametrize("base_url", ["http://127.0.0.1@evil.example/v1", "http://127.0.0.1.evil.example/v1"])
def test_a_host_that_only_looks_allowed_is_refused(question, owner, base_url):
    with pytest.raises(Refused) as bad:
        experiments.component_version(question.component, owner, version="v9", base_url=base_url)
    assert bad.value.code == "host_not_allowed"


def test_a_missing_baseline_says_what_to_do(question):
    with pytest.raises(Invalid, match="nothing in production to compare with; name a baseline") as missing:
        submission.production_version(question.component)
    assert missing.value.fields == {"baseline": ["is needed while nothing is in production"]}


def test_an_unknown_version_names_the_known_ones(question):
    with pytest.raises(NotFound, match=r"adder has no version 'v7'; it has v1.0.0, v1.1.0\."):
        submission.find_version(question.component, "v7")


def test_a_component_without_a_policy_needs_a_suite(question):
    question.component.policy = None
    with pytest.raises(Invalid, match="send a suite with the experiment"):
        submission.policy_of(question.component)


def test_the_default_policy_stands_in_for_a_missing_one(question, platform):
    question.component.policy = None
    default = registration.activate_policy("default", experiments.SUITE, by=platform, at=clock.now())
    assert submission.policy_of(question.component) == default


def test_each_further_experiment_on_a_dataset_counts_as_an_attempt(question, owner):
    first = submission.submit(question, by=owner, at=clock.now())
    again = submission.rerun(first, by=owner, at=clock.now())
    assert (first.attempt, again.attempt) == (1, 2)
    assert again.public_id != first.public_id
    assert (again.candidate, again.policy, again.tier) == (first.candidate, first.policy, first.tier)


# Versions and policies


def test_a_version_never_changes(question, owner):
    row = question.candidate
    same = experiments.component_version(question.component, owner, version="v1.1.0")
    assert same == row
    with pytest.raises(Conflict, match="Versions never change; choose a new one"):
        experiments.component_version(question.component, owner, version="v1.1.0", concurrency=3)


def test_a_policy_that_changes_is_a_new_version(platform):
    first, same = (
        registration.activate_policy("quality", experiments.SUITE, by=platform, at=clock.now())
        for _ in range(2)
    )
    other = registration.activate_policy(
        "quality", {"metrics": [{"metric": "exact_match"}]}, by=platform, at=clock.now()
    )
    assert first == same
    assert (first.version, other.version) == (1, 2)
    assert LedgerEntry.objects.filter(event=Event.GATE_POLICY_ACTIVATED).count() == 2


# Cancelling


def test_cancelling_ends_without_a_verdict_and_twice_is_once(question, owner):
    experiment = submission.submit(question, by=owner, at=clock.now())
    for _ in range(2):
        submission.cancel(experiment, by=owner, at=clock.now())
    assert experiment.status == ExperimentStatus.CANCELLED
    assert LedgerEntry.objects.filter(event=Event.EXPERIMENT_CANCELLED).count() == 1


def test_only_those_who_may_submit_cancel(question, owner, approver):
    experiment = submission.submit(question, by=owner, at=clock.now())
    with pytest.raises(Refused):
        submission.cancel(experiment, by=approver, at=clock.now())
    experiment.refresh_from_db()
    assert experiment.status == ExperimentStatus.QUEUED


def test_what_is_decided_cannot_be_cancelled(people):
    experiment = experiments.measured(**people)
    with pytest.raises(Conflict, match="is decided; it cannot be cancelled any more"):
        submission.cancel(experiment, by=people["owner"], at=clock.now())


def test_somebody_faster_is_a_conflict_and_not_overwritten(question, owner):
    experiment = submission.submit(question, by=owner, at=clock.now())
    seen_before = Experiment.objects.get(pk=experiment.pk)
    Experiment.objects.filter(pk=experiment.pk).update(status="running")
    with pytest.raises(Conflict) as conflict:
        submission.cancel(seen_before, by=owner, at=clock.now())
    assert conflict.value.code == "changed_meanwhile"


def test_a_policy_from_before_it_could_say_more_is_still_the_same(platform):
    first = registration.activate_policy("default", experiments.SUITE, by=platform, at=clock.now())
    body = {name: value for name, value in first.body.items() if name not in ("alpha", "looks", "cluster")}
    GatePolicy.objects.filter(pk=first.pk).update(body=body, digest=digest(body))
    again = registration.activate_policy("default", experiments.SUITE, by=platform, at=clock.now())
    assert again == first
