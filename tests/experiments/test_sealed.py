"""A sealed hold-out: measured on a counted number of times, and looked into by its custodian alone."""

import threading

import pytest
from django.db import IntegrityError, connection

from datasets import versions
from datasets.models import DatasetVersion
from evaltrack import clock
from evaltrack.errors import Refused
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from experiments import submission
from experiments.models import Experiment
from tests.accounts.callers import bearer, signed_in
from tests.factories import experiments


@pytest.fixture
def experiment(people):
    """Decided, on a hold-out that each component may look at twice."""
    found = experiments.measured(**people)
    DatasetVersion.objects.filter(pk=found.dataset_version_id).update(looks_allowed=2)
    return Experiment.objects.with_names().get(pk=found.pk)


def again(experiment):
    return submission.rerun(experiment, by=experiment.component.owner, at=clock.now())


# ── Sealing ──────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_sealed_when_it_is_published_and_the_ledger_says_how(people, custodian):
    golden = experiments.dataset_version(custodian, examples=5)
    assert not golden.is_sealed
    draft = DatasetVersion.objects.create(
        dataset=golden.dataset,
        version="2.0",
        digest=golden.digest,
        manifest=golden.manifest,
        example_count=5,
        created_by=custodian,
        created_at=clock.now(),
    )
    client = bearer(custodian, "datasets:manage", "datasets:view", "datasets:read")
    path = f"/api/v1/datasets/{golden.dataset.slug}/versions/2.0"
    bad = client.post(f"{path}/publish", {"looks_allowed": 0}, content_type="application/json")
    assert (bad.status_code, set(bad.json()["fields"])) == (400, {"looks_allowed"})
    done = client.post(f"{path}/publish", {"looks_allowed": 3}, content_type="application/json")
    assert done.json()["looks_allowed"] == 3
    entry = LedgerEntry.objects.filter(event=Event.DATASET_PUBLISHED).order_by("-index").first()
    assert b'"looks_allowed":3' in bytes(entry.canonical)
    draft.refresh_from_db()
    unsealed = versions.publish(draft, by=custodian, at=clock.now(), looks_allowed=None)
    assert unsealed.looks_allowed == 3


def test_publishing_without_a_body_seals_nothing(custodian):
    golden = experiments.dataset_version(custodian, examples=5)
    DatasetVersion.objects.filter(pk=golden.pk).update(state="draft", published_at=None, published_by=None)
    client = bearer(custodian, "datasets:manage")
    path = f"/api/v1/datasets/{golden.dataset.slug}/versions/{golden.version}/publish"
    assert client.post(path, content_type="application/json").json()["looks_allowed"] is None


def test_no_look_at_all_is_no_hold_out(experiment):
    with pytest.raises(IntegrityError):
        DatasetVersion.objects.filter(pk=experiment.dataset_version_id).update(looks_allowed=0)


# ── Looks ────────────────────────────────────────────────────────────────────────────────────────────


def test_looks_are_counted_and_end(experiment):
    again(experiment)
    with pytest.raises(Refused, match="spent its 2 looks"):
        again(experiment)


def test_what_was_cancelled_has_not_looked(experiment):
    second = again(experiment)
    submission.cancel(second, by=experiment.component.owner, at=clock.now())
    assert again(experiment).attempt == 3


def test_who_cancels_after_it_was_scored_has_looked(people):
    awaiting = experiments.measured(**people, risk="high")
    DatasetVersion.objects.filter(pk=awaiting.dataset_version_id).update(looks_allowed=1)
    submission.cancel(awaiting, by=people["owner"], at=clock.now())
    with pytest.raises(Refused, match="spent its 1 looks"):
        again(Experiment.objects.with_names().get(pk=awaiting.pk))
    path = f"/datasets/{awaiting.dataset_version.dataset.slug}/{awaiting.dataset_version.version}/health/"
    assert "1 of 1" in signed_in(people["owner"]).get(path).content.decode()


def test_each_component_has_its_own(experiment, people):
    again(experiment)
    other = experiments.component(people["owner"], people["platform"], name="other")
    one, two = (experiments.component_version(other, people["platform"], version=v) for v in ("v1", "v2"))
    assert experiments.asked(two, one, experiment.dataset_version).attempt == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_last_looks_at_once_one_is_refused(experiment):
    found, start = [], threading.Barrier(2)

    def looks():
        try:
            start.wait(30)
            found.append(again(experiment))
        except Refused as refused:
            found.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=looks) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(type(each).__name__ for each in found) == ["Experiment", "Refused"]


# ── Nobody looks in ──────────────────────────────────────────────────────────────────────────────────


def test_single_examples_are_for_the_custodian(experiment, people):
    version = experiment.dataset_version
    pages = [
        f"{experiment.get_absolute_url()}examples/",
        f"/api/v1/datasets/{version.dataset.slug}/versions/{version.version}/examples",
    ]
    for reader in ("owner", "platform"):
        client = signed_in(people[reader])
        for path in pages:
            answer = client.get(path)
            assert answer.status_code == 403, path
            assert "sealed" in answer.content.decode()
    assert signed_in(people["custodian"]).get(pages[1]).status_code == 200


def test_the_verdict_and_totals_are_for_all(experiment, people):
    page = signed_in(people["owner"]).get(experiment.get_absolute_url()).content.decode()
    assert "PASS" in page
    assert "exact_match" in page
    assert "/examples/" not in page
    assert "By tag" not in page


def test_runs_side_by_side_list_no_examples(experiment, people):
    name = experiment.public_id
    path = f"/components/adder/compare/?run={name}.candidate&run={name}.baseline"
    page = signed_in(people["owner"]).get(path).content.decode()
    assert "is sealed" in page
    assert "What is 0 plus 1?" not in page


def test_who_looked_is_shown(experiment, people):
    version = experiment.dataset_version
    path = f"/datasets/{version.dataset.slug}/{version.version}/health/"
    for who in ("owner", "custodian"):
        page = signed_in(people[who]).get(path).content.decode()
        assert "1 of 2" in page
        assert "adder" in page
    assert "References to look at" not in signed_in(people["owner"]).get(path).content.decode()
    assert "References to look at" in signed_in(people["custodian"]).get(path).content.decode()
    detail = signed_in(people["owner"]).get(f"/datasets/{version.dataset.slug}/").content.decode()
    assert "evaluated on it 2 times" in detail
