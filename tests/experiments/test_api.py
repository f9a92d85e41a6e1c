"""The experiments API, as a machine and a person meet it."""

import datetime as dt
import re

import pytest
from django.core.management import call_command
from django.test import Client

from evaltrack import clock
from evaltrack.accounts import tokens
from evaltrack.accounts.roles import Role
from evaltrack.api import NewestFirst
from experiments import promotion
from experiments.models import ComponentVersion, Deployment, Experiment, GatePolicy, PromotionRequest
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person
from tests.factories import experiments

JSON = "application/json"
SCOPES = (
    "experiments:view",
    "experiments:submit",
    "components:manage",
    "promotions:view",
    "promotions:request",
)
CONFIGURATION = {
    "target": {"kind": "openai_chat", "base_url": "http://127.0.0.1:9/v1", "model": "m"},
    "prompt": {"user": "{{ input }}"},
    "parameters": {"temperature": 0},
}


@pytest.fixture
def machine(ci):
    return bearer(ci, *SCOPES)


@pytest.fixture
def adder(people):
    """A component with two versions and a published dataset."""
    row = experiments.component(people["owner"], people["platform"])
    for version in ("v1.0.0", "v1.1.0"):
        experiments.component_version(row, people["platform"], version=version)
    experiments.dataset_version(people["custodian"], examples=10, slug="golden", version="1.0")
    return row


ASKED = {"component": "adder", "candidate": "v1.1.0", "baseline": "v1.0.0", "dataset": "golden@1.0"}


def submit(client, headers=None, **changes):
    body = {name: value for name, value in {**ASKED, **changes}.items() if value is not None}
    return client.post("/api/v1/experiments", body, content_type=JSON, headers=headers or {})


def shape(answer, status: int, code: str) -> dict:
    """The one shape of every error."""
    body = answer.json()
    assert (answer.status_code, body.get("code")) == (status, code), body
    assert set(body) >= {"code", "detail", "fields"}
    assert isinstance(body["fields"], dict)
    assert body["detail"]
    return body


# Submitting


def test_an_experiment_is_accepted_and_can_be_followed(machine, adder):
    answer = submit(machine, tier="smoke", context={"repository": "shop", "pull_request": 41})
    assert answer.status_code == 202
    body = answer.json()
    assert re.fullmatch(r"exp-\d{8}-\d{3}", body["id"])
    assert (body["status"], body["verdict"]) == ("queued", None)
    seen = machine.get(f"/api/v1/experiments/{body['id']}").json()
    assert seen["context"] == {"repository": "shop", "pull_request": 41}
    assert seen["progress"] == {"total": 0, "done": 0, "per_minute": 0, "remaining_s": None}
    assert (seen["comparisons"], seen["runs"], seen["evidence_digest"]) == ([], [], None)


def test_the_same_key_and_body_answer_with_the_first_result(machine, adder):
    first, again = (submit(machine, {"Idempotency-Key": "build-7"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert Experiment.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict(machine, adder):
    submit(machine, {"Idempotency-Key": "build-7"})
    other = submit(machine, {"Idempotency-Key": "build-7"}, tier="smoke")
    shape(other, 409, "idempotency_key_reused")
    assert Experiment.objects.count() == 1


def test_a_key_is_free_again_after_a_refusal(machine, adder):
    shape(submit(machine, {"Idempotency-Key": "k"}, candidate="v9"), 404, "no_such_version")
    assert submit(machine, {"Idempotency-Key": "k"}).status_code == 202


def test_a_key_belongs_to_whoever_used_it(machine, adder, owner):
    submit(machine, {"Idempotency-Key": "k"})
    assert submit(bearer(owner, *SCOPES), {"Idempotency-Key": "k"}).status_code == 202
    assert Experiment.objects.count() == 2


def test_a_key_that_is_too_long_is_refused(machine, adder):
    shape(submit(machine, {"Idempotency-Key": "k" * 201}), 400, "bad_idempotency_key")


def test_a_missing_baseline_means_what_is_in_production(machine, adder, approver, people):
    body = shape(submit(machine, baseline=None), 400, "no_baseline")
    assert list(body["fields"]) == ["baseline"]
    deployed(people, approver, component="other")
    experiments.component_version(Experiment.objects.get().component, people["platform"], version="v1.2.0")
    answer = submit(machine, component="other", candidate="v1.2.0", baseline=None)
    assert (answer.status_code, answer.json()["baseline"]) == (202, "v1.1.0")


def test_an_unknown_version_names_the_known_ones(machine, adder):
    body = shape(submit(machine, candidate="v7"), 404, "no_such_version")
    assert "it has v1.1.0, v1.0.0" in body["detail"]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"component": "nope"}, 404, "no_such_component"),
        ({"dataset": "nope@1"}, 404, "no_such_dataset"),
        ({"dataset": "golden"}, 400, "bad_dataset"),
        ({"candidate": "v1.0.0"}, 400, "same_version"),
        ({"suite": "nope"}, 404, "no_such_suite"),
        ({"suite": {"metrics": [{"metric": "beauty"}]}}, 400, "bad_suite"),
        ({"suite": {"metrics": [{"metric": ["beauty"]}]}}, 400, "bad_suite"),
        ({"suite": []}, 400, "bad_suite"),
        ({"suite": 7}, 400, "bad_suite"),
        ({"tier": "huge"}, 400, "invalid"),
        ({"candidate": None}, 400, "invalid"),
        ({"hypothesis": "a\x00b"}, 400, "invalid"),
        ({"context": []}, 400, "invalid"),
        ({"context": {"a": "b\x00"}}, 400, "invalid"),
        ({"context": {"a": 2**63}}, 400, "invalid"),
        ({"suite": {"metrics": [{"metric": "accuracy", "reason": "\x00"}]}}, 400, "invalid"),
    ],
)
def test_a_submission_that_cannot_be_used_says_why_and_changes_nothing(machine, adder, change, status, code):
    policies = GatePolicy.objects.count()
    shape(submit(machine, **change), status, code)
    assert not Experiment.objects.exists()
    assert GatePolicy.objects.count() == policies


def test_a_suite_sent_along_becomes_a_policy_with_a_name_of_its_content(machine, adder):
    rules = {"metrics": [{"metric": "numeric_match", "role": "gating", "margin": 0.02}]}
    for _ in range(2):
        assert submit(machine, suite=rules).status_code == 202
    assert GatePolicy.objects.filter(name__startswith="adder-").exclude(name="adder-policy").count() == 1
    assert submit(machine, suite="adder-policy").status_code == 202


def test_a_host_that_is_not_allowed_is_refused(machine, adder, settings):
    settings.TARGET_HOSTS = []
    shape(submit(machine), 403, "host_not_allowed")


def test_an_owner_sees_and_changes_what_is_hers_alone(adder, approver):
    other = bearer(person("other_owner", Role.OWNER), *SCOPES)
    shape(submit(other), 404, "no_such_component")
    shape(submit(bearer(approver, *SCOPES)), 403, "not_permitted")


# Components


def test_a_component_and_its_version_are_registered(machine, owner):
    body = {"name": "faq", "kind": "prompt", "owner": "owner", "risk": "low", "suite": experiments.SUITE}
    made = machine.post("/api/v1/components", body, content_type=JSON)
    assert (made.status_code, made.json()["owner"]) == (201, "owner")
    shape(machine.post("/api/v1/components", body, content_type=JSON), 409, "component_exists")
    version = {"version": "v1", "configuration": CONFIGURATION}
    first, again = (
        machine.post("/api/v1/components/faq/versions", version, content_type=JSON) for _ in range(2)
    )
    assert (first.status_code, first.json()) == (201, again.json())
    changed = {**version, "configuration": {**CONFIGURATION, "parameters": {"temperature": 1}}}
    answer = machine.post("/api/v1/components/faq/versions", changed, content_type=JSON)
    shape(answer, 409, "version_exists")


@pytest.mark.parametrize(
    ("configuration", "code"),
    [
        ({}, "bad_configuration"),
        ([], "bad_configuration"),
        ("text", "bad_configuration"),
        ({**CONFIGURATION, "parameters": {"stop": "\x00"}}, "invalid"),
        ({**CONFIGURATION, "parameters": {"seed": 2**64}}, "invalid"),
        (None, "invalid"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_refused(machine, adder, configuration, code):
    before = ComponentVersion.objects.count()
    body = {"version": "v3", "configuration": configuration}
    shape(machine.post("/api/v1/components/adder/versions", body, content_type=JSON), 400, code)
    assert ComponentVersion.objects.count() == before


# Reading


def test_the_list_is_newest_first_and_pages_by_cursor(machine, adder, monkeypatch):
    monkeypatch.setattr(NewestFirst, "page_size", 2)
    made = [submit(machine).json()["id"] for _ in range(5)]
    seen, address = [], "/api/v1/experiments"
    while address:
        page = machine.get(address).json()
        assert set(page) == {"next", "previous", "results"}
        assert len(page["results"]) <= 2
        seen += [row["id"] for row in page["results"]]
        address = page["next"]
    assert seen == made[::-1]


def test_the_list_is_filtered(machine, adder, people):
    first = submit(machine, hypothesis="Shorter answers").json()["id"]
    second = submit(machine).json()["id"]
    machine.post(f"/api/v1/experiments/{second}/cancel")

    def found(**asked):
        rows = machine.get("/api/v1/experiments", asked).json()["results"]
        return {row["id"] for row in rows}

    assert found() == {first, second}
    assert found(status="cancelled") == {second}
    assert found(search="shorter") == {first}
    assert found(search=second) == {second}
    assert found(component="adder") == {first, second}
    assert found(component="other") == set()


def test_a_decided_experiment_has_everything_that_clients_rely_on(machine, people):
    experiment = experiments.measured(**people)
    body = machine.get(f"/api/v1/experiments/{experiment.public_id}").json()
    assert body["status"] == "decided"
    assert (body["verdict"]["outcome"], body["verdict"]["provisional"]) == ("PASS", False)
    assert body["verdict"]["reasons"]
    assert body["progress"] == {"total": 60, "done": 60, "per_minute": 0, "remaining_s": None}
    assert body["cost"] == {
        "spent_usd": 0.0,
        "answers_of_unknown_cost": 60,
        "judges_usd": 0.0,
        "budget_usd": None,
        "estimate_usd": None,
    }
    assert {run["arm"] for run in body["runs"]} == {"baseline", "candidate"}
    assert body["evidence_digest"] == experiment.verdicts.get().evidence_digest
    [match, *_] = body["comparisons"]
    assert set(match) >= {
        "metric", "role", "kind", "design", "n", "baseline", "candidate", "delta", "tests", "decided_by",
        "p_adjusted", "margin", "outcome", "explanation",
    }  # fmt: skip
    assert set(match["delta"]) >= {"value", "ci_low", "ci_high", "n", "method"}
    assert (match["kind"], match["design"], match["n"]) == ("binary", "paired", 30)
    assert set(match["tests"]["mcnemar_mid_p"]) == {"statistic", "p_value"}


def test_cancelling_and_running_again(machine, adder):
    first = submit(machine).json()["id"]
    assert machine.post(f"/api/v1/experiments/{first}/cancel").json()["status"] == "cancelled"
    again = machine.post(f"/api/v1/experiments/{first}/rerun")
    assert (again.status_code, again.json()["attempt"]) == (202, 2)


# The shape of errors


def test_every_kind_of_error_has_one_shape(machine, adder, client):
    address = "/api/v1/experiments"
    shape(client.get(address), 401, "not_authenticated")
    shape(Client(headers={"Authorization": "Bearer nonsense"}).get(address), 401, "authentication_failed")
    shape(machine.get(f"{address}/exp-0"), 404, "no_such_experiment")
    shape(machine.get("/api/v1/nothing"), 404, "not_found")
    shape(machine.post(address, b"{", content_type=JSON), 400, "parse_error")
    shape(machine.post(address, b"[]", content_type=JSON), 400, "invalid")
    shape(machine.post(address, b"a,b", content_type="text/csv"), 415, "unsupported_media_type")
    shape(machine.post(address, b'{"context": {"a": NaN}}', content_type=JSON), 400, "parse_error")
    answer = machine.delete(address)
    assert answer.status_code == 405
    shape(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("which", ["revoked", "expired", "of somebody who left"])
def test_a_token_that_has_ended_opens_nothing(ci, admin_person, which):
    at = clock.now() - dt.timedelta(days=2)
    raw = tokens.issue(
        ci, name="t", scopes=SCOPES, by=None, at=at, life=dt.timedelta(days=1 if which == "expired" else 9)
    )
    if which == "revoked":
        tokens.revoke(ci.tokens.get(), by=admin_person, at=clock.now())
    if which == "of somebody who left":
        type(ci).objects.filter(pk=ci.pk).update(is_active=False)
    client = Client(headers={"Authorization": f"Bearer {raw}"})
    shape(client.get("/api/v1/experiments"), 401, "authentication_failed")


def test_the_api_document_is_built_from_the_views(tmp_path):
    file = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--file", str(file))
    document = file.read_text()
    for address in ("/experiments", "/promotions", "/production/{name}", "/datasets/{slug}/versions"):
        assert f"/api/v1{address}:" in document


# Promotions


def deployed(people, approver, *, component: str) -> Deployment:
    experiment = experiments.measured(**people, name=component)
    row = promotion.request(
        experiment, environment="production", reason="It passed the gate.", by=people["owner"], at=clock.now()
    )
    promotion.approve(
        row.pk,
        by=approver,
        reason="I read the evidence.",
        seen_digest=row.decision_digest,
        at=clock.now(),
    )
    return row.deployment


@pytest.fixture
def passed(people):
    return experiments.measured(**people)


def promote(client, justified_by, **changes):
    body = {
        "component": "adder",
        "version": "v1.1.0",
        "environment": "production",
        "experiment": justified_by.public_id,
        "reason": "It passed the gate.",
        **changes,
    }
    sent = {name: value for name, value in body.items() if value is not None}
    return client.post("/api/v1/promotions", sent, content_type=JSON)


def test_a_promotion_is_requested_followed_and_withdrawn(machine, passed):
    answer = promote(machine, passed)
    assert answer.status_code == 201
    row = answer.json()
    assert (row["status"], row["experiment"], row["requested_by"]) == ("open", passed.public_id, "ci")
    address = f"/api/v1/promotions/{row['id']}"
    assert machine.get(address).json() == row
    shape(promote(machine, passed), 409, "promotion_open")
    withdrawn = machine.post(f"{address}/withdraw").json()
    assert (withdrawn["status"], withdrawn["closed_by"]) == ("withdrawn", "ci")
    assert [each["id"] for each in machine.get("/api/v1/promotions").json()["results"]] == [row["id"]]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"experiment": None}, 400, "invalid"),
        ({"experiment": ""}, 400, "invalid"),
        ({"experiment": "exp-0"}, 404, "no_such_experiment"),
        ({"version": "v1.0.0"}, 400, "other_candidate"),
        ({"component": "other"}, 400, "other_candidate"),
        ({"environment": "moon"}, 400, "invalid"),
        ({"reason": "ok"}, 400, "reason_too_short"),
    ],
)
def test_a_promotion_that_cannot_be_used_says_why_and_changes_nothing(machine, passed, change, status, code):
    shape(promote(machine, passed, **change), status, code)
    assert not PromotionRequest.objects.exists()


def test_a_failed_experiment_promotes_nothing(machine, people):
    failed = experiments.measured(**people, better=False, examples=90)
    body = shape(promote(machine, failed), 403, "not_passed")
    assert "change the candidate, and evaluate it again" in body["detail"]
    assert not PromotionRequest.objects.exists()


@pytest.mark.parametrize("word", ["approve", "reject", "decide"])
def test_no_token_decides(passed, machine, approver, word):
    row = promote(machine, passed).json()
    with pytest.raises(Exception, match="No such scope: promotions:decide"):
        bearer(approver, "promotions:decide")
    for client in (machine, bearer(approver, "promotions:view"), signed_in(approver)):
        answer = client.post(f"/api/v1/promotions/{row['id']}/{word}", {}, content_type=JSON)
        shape(answer, 404, "not_found")
    desk = f"/admin/experiments/promotionrequest/{PromotionRequest.objects.get().pk}/decide/"
    given = {"decision": word, "reason": "I read the evidence.", "seen_digest": row["decision_digest"]}
    assert bearer(approver, "promotions:view").post(desk, given).status_code == 302
    assert PromotionRequest.objects.get().status == "open"


def test_production_says_what_ran_when_and_why(machine, people, approver):
    now = deployed(people, approver, component="adder")
    address = "/api/v1/production/adder"
    body = machine.get(address).json()
    assert (body["version"], body["environment"], body["until"]) == ("v1.1.0", "production", None)
    assert (body["promotion"], body["experiment"]) == (
        now.promotion.public_id,
        now.promotion.experiment.public_id,
    )
    assert body["digest"] == now.version.digest
    at = now.started_at.isoformat()
    assert machine.get(address, {"at": at}).json()["version"] == "v1.1.0"
    # A plus sign that was not escaped arrives as a blank.
    assert machine.get(f"{address}?at={at}").json()["version"] == "v1.1.0"
    earlier = (now.started_at - dt.timedelta(seconds=1)).isoformat()
    shape(machine.get(address, {"at": earlier}), 404, "nothing_there")
    shape(machine.get(address, {"environment": "staging"}), 404, "nothing_there")


@pytest.mark.parametrize("at", ["yesterday", "2026-11-22T09:00:00", "2026-02-30T09:00:00Z", "2026-11-22"])
def test_a_time_that_is_none_says_how_to_write_one(machine, adder, at):
    body = shape(machine.get("/api/v1/production/adder", {"at": at}), 400, "bad_time")
    assert "2026-11-22T09:00:00Z" in body["detail"]
