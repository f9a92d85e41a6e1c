"""The datasets API, as a machine meets it."""

import gzip
import json

import pytest
from django.test import Client

from datasets.models import Dataset, DatasetVersion
from evaltrack.accounts.roles import Role
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person
from tests.datasets.conftest import ndjson, sums

NDJSON = "application/x-ndjson"
BODY = {"slug": "faq", "name": "FAQ", "use_case": "", "sensitivity": "internal", "custodian": "custodian"}


@pytest.fixture
def machine(ci):
    return bearer(ci, "datasets:view", "datasets:read", "datasets:manage")


@pytest.fixture
def upload(machine, custodian, dataset):
    def put(rows, version="3.2", content_type=NDJSON, client=machine):
        content = rows if isinstance(rows, bytes) else b"".join(ndjson(rows))
        return client.post(
            f"/api/v1/datasets/faq/versions?version={version}", content, content_type=content_type
        )

    return put


def shape(answer, status: int, code: str) -> dict:
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert set(body) >= {"code", "detail", "fields"}
    assert body["detail"]
    return body


def test_a_dataset_is_registered_uploaded_published_and_read(machine, custodian):
    made = machine.post("/api/v1/datasets", BODY, content_type="application/json")
    assert (made.status_code, made.json()["slug"], made.json()["custodian"]) == (201, "faq", "custodian")
    rows = sums(20)
    uploaded = machine.post(
        "/api/v1/datasets/faq/versions?version=3.2", b"".join(ndjson(rows)), content_type=NDJSON
    )
    assert uploaded.status_code == 201
    version = uploaded.json()
    assert (version["version"], version["examples"], version["state"]) == ("3.2", 20, "draft")
    assert len(version["digest"]) == 64
    published = machine.post("/api/v1/datasets/faq/versions/3.2/publish", content_type="application/json")
    assert (published.status_code, published.json()["state"]) == (200, "published")
    seen = machine.get("/api/v1/datasets/faq/versions/3.2").json()
    assert (seen["digest"], seen["examples"]) == (version["digest"], 20)
    examples = machine.get("/api/v1/datasets/faq/versions/3.2/examples")
    assert examples.headers["Content-Type"] == NDJSON
    assert [json.loads(line) for line in b"".join(examples.streaming_content).splitlines()] == rows
    proof = machine.post("/api/v1/datasets/faq/versions/3.2/verify").json()
    assert proof == {"ok": True, "digest": version["digest"], "examples": 20}


def test_examples_come_as_ndjson_whatever_is_accepted(machine, upload):
    upload(sums(3))
    for accept in ("application/x-ndjson", "application/json", "*/*"):
        answer = machine.get("/api/v1/datasets/faq/versions/3.2/examples", headers={"Accept": accept})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, NDJSON)


def test_each_bad_line_is_in_the_answer_and_nothing_is_stored(upload):
    answer = upload(b'{"input": "a"}\n{"input": 5}\nx\n')
    body = shape(answer, 400, "broken_lines")
    assert [set(error) for error in body["errors"]] == [{"line", "field", "reason"}] * 2
    assert [(error["line"], error["field"]) for error in body["errors"]] == [(2, "input"), (3, "")]
    assert not DatasetVersion.objects.exists()


@pytest.mark.parametrize("content", [b"", b"\n\n", gzip.compress(b'{"input": "a"}')])
def test_a_body_without_rows_is_a_bad_request(upload, content):
    shape(upload(content), 400, "broken_lines")


def test_the_same_upload_again_answers_with_the_first(upload):
    assert upload(sums(5)).json() == upload(sums(5)).json()


def test_other_rows_under_the_same_number_are_a_conflict(upload):
    upload(sums(5))
    shape(upload(sums(6)), 409, "version_exists")


@pytest.mark.parametrize("version", ["", "a/b", "x" * 41])
def test_a_version_needs_a_usable_name(upload, version):
    shape(upload(sums(1), version=version), 400, "bad_version")


def test_examples_are_sent_as_ndjson_only(upload):
    shape(upload(b"[]", content_type="application/json"), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"slug": "not a slug"}, "slug"),
        ({"slug": ""}, "slug"),
        ({"name": None}, "name"),
        ({"sensitivity": "whatever"}, "sensitivity"),
        ({"custodian": "nobody"}, "custodian"),
        ({"name": "a\x00b"}, "name"),
    ],
)
def test_a_bad_field_is_named(machine, custodian, change, field):
    answer = machine.post("/api/v1/datasets", {**BODY, **change}, content_type="application/json")
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]
    assert not Dataset.objects.exists()


def test_a_slug_is_taken_once(machine, dataset):
    shape(machine.post("/api/v1/datasets", BODY, content_type="application/json"), 409, "dataset_exists")


def test_what_is_not_there_is_not_found(machine, dataset):
    for address in ("nope/versions", "faq/versions/9", "faq/versions/9/examples"):
        shape(machine.get(f"/api/v1/datasets/{address}"), 404, "no_such_dataset")


def test_a_missing_store_is_a_503_that_says_so(machine, upload, settings):
    upload(sums(5))
    settings.STORE_DIR.rename(settings.STORE_DIR.with_name("away"))
    shape(machine.get("/api/v1/datasets/faq/versions/3.2/examples"), 503, "store_unavailable")
    shape(machine.post("/api/v1/datasets/faq/versions/3.2/verify"), 503, "store_unavailable")


# Who may


def test_without_a_token_nothing_is_shown(client, dataset):
    answer = client.get("/api/v1/datasets")
    assert shape(answer, 401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("scope", "method", "address"),
    [
        ("datasets:view", "post", "/api/v1/datasets"),
        ("datasets:view", "post", "/api/v1/datasets/faq/versions?version=1"),
        ("datasets:view", "post", "/api/v1/datasets/faq/versions/1/publish"),
        ("datasets:view", "get", "/api/v1/datasets/faq/versions/1/examples"),
        ("datasets:manage", "get", "/api/v1/datasets/faq/versions/1/examples"),
        ("experiments:submit", "get", "/api/v1/datasets"),
    ],
)
def test_a_scope_opens_its_own_doors_only(ci, scope, method, address):
    shape(getattr(bearer(ci, scope), method)(address), 403, "not_permitted")


def test_a_person_s_token_can_do_no_more_than_the_person(auditor, custodian, dataset, upload):
    client = bearer(auditor, "datasets:manage", "datasets:view", "datasets:read")
    assert client.get("/api/v1/datasets").status_code == 200
    shape(upload(sums(1), client=client), 403, "not_permitted")
    upload(sums(1))
    shape(client.get("/api/v1/datasets/faq/versions/3.2/examples"), 403, "not_permitted")


def test_a_custodian_changes_only_what_is_hers(dataset, upload):
    other = bearer(person("other", Role.CUSTODIAN), "datasets:manage")
    shape(upload(sums(1), client=other), 403, "not_custodian")
    upload(sums(1))
    shape(
        other.post("/api/v1/datasets/faq/versions/3.2/publish", content_type="application/json"),
        403,
        "not_custodian",
    )


def test_a_session_needs_the_csrf_token_and_a_machine_does_not(custodian, dataset):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(custodian)
    answer = browser.post("/api/v1/datasets/faq/versions?version=1", b"{}", content_type=NDJSON)
    shape(answer, 403, "permission_denied")
    assert signed_in(custodian).get("/api/v1/datasets").status_code == 200


def test_an_upload_under_one_key_is_answered_once_and_another_body_is_a_conflict(machine, dataset):
    address = "/api/v1/datasets/faq/versions?version=7.0"

    def send(lines: bytes):
        return machine.post(
            address, lines, content_type="application/x-ndjson", headers={"Idempotency-Key": "upload-7"}
        )

    first = send(b'{"id": "a", "input": "one"}\n')
    assert first.status_code == 201
    assert first.json()["examples"] == 1
    again = send(b'{"id": "a", "input": "one"}\n')
    assert (again.status_code, again.json()) == (201, first.json())
    shape(send(b'{"id": "a", "input": "two"}\n'), 409, "idempotency_key_reused")
