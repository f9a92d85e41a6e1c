"""Rankings of the 2016 Conference on Machine Translation, imported by API, give the figures known of them."""

import csv
import json
import os
from pathlib import Path

import pytest

from annotation.models import ImportedJudgment
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer

pytestmark = [
    pytest.mark.shared_data,
    pytest.mark.skipif(
        not Path(os.environ.get("EVALTRACK_DATA") or "/dev/null", "wmt16").is_dir(),
        reason="EVALTRACK_DATA names no folder with wmt16",
    ),
]


def content(name):
    return Path(os.environ["EVALTRACK_DATA"], "wmt16", f"wmt16.{name}.csv").read_bytes()


def as_ndjson(name):
    """The same by a converter of its own, as somebody else would write it: without ids and times."""
    for row in csv.DictReader(content(name).decode().splitlines()):
        systems, ranks = [row["system1Id"], row["system2Id"]], [int(row[f"system{n}rank"]) for n in (1, 2)]
        if -1 not in ranks:
            better = "tie" if ranks[0] == ranks[1] else systems[ranks[1] < ranks[0]]
            yield json.dumps(
                {
                    "item": row["segmentId"],
                    "rater": row["judgeID"],
                    "responses": systems,
                    "preference": better,
                }
            )


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


@pytest.fixture
def campaign_of(client):
    """Opens a campaign, imports into it, and gives its address."""

    def open_with(name, format):
        body = {"name": f"Rankings {name}", "protocol": "pairwise"}
        opened = client.post("/api/v1/campaigns", body, content_type="application/json")
        path = f"/api/v1/campaigns/{opened.json()['id']}"
        sent, kind = content(name), "text/csv"
        if format == "ndjson":
            sent, kind = "\n".join(as_ndjson(name)).encode(), "application/x-ndjson"
        answer = client.post(f"{path}/judgments?format={format}", sent, content_type=kind)
        assert answer.status_code == 201, answer.content
        assert answer.json()["added"] == ImportedJudgment.objects.count()
        return path

    return open_with


@pytest.mark.parametrize("format", ["ndjson", "appraise"])
@pytest.mark.parametrize(
    ("pair", "judgments", "ours", "published"),
    [
        ("deu-eng", 12926, [(0.429, 1964), (0.647, 284)], [(0.475, 1076), (0.552, 134)]),
        ("tur-eng", 9684, [(0.333, 1097), (0.531, 127)], [(0.319, 630), (0.559, 63)]),
    ],
)
def test_agreement_by_our_definition_and_as_it_was_published(
    campaign_of, client, pair, judgments, ours, published, format
):
    body = client.get(f"{campaign_of(f'collapsed.{pair}', format)}/agreement").json()
    assert body["n_judgments"] == body["n_imported"] == judgments
    for name, known in (("preference_kappa", ours), ("preference_kappa_same_order", published)):
        found = [body[scope][name] for scope in ("inter", "intra")]
        assert [(round(each["value"], 3), each["n"]) for each in found] == known
        assert all(each["ci_low"] < each["value"] < each["ci_high"] for each in found)
    for scope in ("inter", "intra"):
        for name, each in body[scope].items():
            if (scope, name) != ("intra", "cohen_kappa"):
                assert each["ci_low"] < each["value"] < each["ci_high"], (scope, name)
    assert body["intra"]["cohen_kappa"] == {
        "undefined": "a rater's repeats have no first and second rater; see the other coefficients"
    }
