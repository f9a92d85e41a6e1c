"""Rankings of the 2016 Conference on Machine Translation, imported by API, give the figures known of them."""

import csv
import json
import os
from pathlib import Path

import pytest

from annotation.models import ImportedJudgment
from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer, signed_in

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


def test_the_order_of_systems_agrees_with_the_published_clusters(campaign_of, client):
    """Published by TrueSkill, best first; systems of a set are not told apart there."""
    clusters = [
        {"uedin-nmt"},
        {"online-B", "online-A", "uedin-syntax", "KIT", "uedin-pbmt", "jhu-pbmt"},
        {"online-G"},
        {"jhu-syntax"},
        {"online-F"},
    ]
    body = client.get(f"{campaign_of('deu-eng', 'appraise')}/preferences").json()
    rows = {row["source"].split(".")[1]: row for row in body["systems"]}
    # The ratings put every system of a cluster before every one of the next.
    ordered = list(rows)
    for cluster in clusters:
        assert set(ordered[: len(cluster)]) == cluster
        del ordered[: len(cluster)]
    assert sum(row["rating"]["value"] for row in rows.values()) == pytest.approx(0)
    assert all(row["rating"]["ci_low"] < row["rating"]["ci_high"] for row in rows.values())
    # Ranks by all pairs with Holm's correction contradict none of them: each set holds the published ranks.
    best = 1
    for cluster in clusters:
        for name in cluster:
            assert rows[name]["rank_low"] <= best
            assert rows[name]["rank_high"] >= best + len(cluster) - 1
        best += len(cluster)
    # The first is told from all others, and so are the last two; these two from each other only by the rating.
    assert (rows["uedin-nmt"]["rank_low"], rows["uedin-nmt"]["rank_high"]) == (1, 1)
    assert {rows[name]["rank_low"] for name in ("jhu-syntax", "online-F")} == {9}
    assert max(row["rank_high"] for name, row in rows.items() if name not in ("jhu-syntax", "online-F")) == 8
    # Who stood first did not matter.
    assert body["position"]["ci_low"] < 0 < body["position"]["ci_high"]
    # Each system's outcomes are those of the file.
    said = [json.loads(line) for line in as_ndjson("deu-eng")]
    for name, row in rows.items():
        outcomes = [each["preference"] for each in said if row["source"] in each["responses"]]
        assert row["wins"] == outcomes.count(row["source"])
        assert row["ties"] == outcomes.count("tie")
        assert row["losses"] == len(outcomes) - row["wins"] - row["ties"]
        assert row["both_bad"] == 0, name


def test_the_page_of_so_many_judgments_is_marked_and_names_no_rater(campaign_of, lead):
    path = campaign_of("collapsed.tur-eng", "appraise").removeprefix("/api/v1")
    page = signed_in(lead).get(f"{path}/").content.decode()
    assert "IMPORTED" in page
    assert "imported-1" in page
    assert "judge26" not in page
