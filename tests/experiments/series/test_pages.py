"""The page and the API: ranges, sources, pages of points, and no query more for more points."""

import datetime as dt

import pytest

from evaltrack import clock
from evaltrack.accounts.roles import Permission, Role
from experiments.models import MetricPoint
from experiments.series import points
from tests.accounts.callers import bearer, signed_in
from tests.conftest import person
from tests.experiments.production.conftest import answers
from tests.factories import experiments
from tests.query_growth import no_query_growth

PAGE = "/components/adder/series/"
CALL = "/api/v1/components/adder/metrics/exact_match/points"


@pytest.fixture
def sampled(component, send):
    send(*answers(30, 10, ago=dt.timedelta(days=3)))
    return component


def test_each_source_has_its_picture_and_its_numbers(sampled, owner):
    page = signed_in(owner).get(f"{PAGE}?metric=exact_match").content.decode()
    assert "exact_match: Experiments" in page
    assert "exact_match: Production" in page
    assert "exact_match: People" not in page
    assert page.count("timeline") == 2
    assert "golden@1.0" in page


def test_a_source_and_a_range_can_be_chosen(sampled, owner):
    client = signed_in(owner)
    page = client.get(f"{PAGE}?metric=exact_match&source=production").content.decode()
    assert "exact_match: Production" in page
    assert "exact_match: Experiments" not in page
    none = client.get(f"{PAGE}?metric=exact_match&to=2020-01-01").content.decode()
    assert "No point in this range" in none
    wrong = client.get(f"{PAGE}?from=yesterday")
    assert wrong.status_code == 422
    assert "Write `from` as a day" in wrong.content.decode()
    assert client.get(f"{PAGE}?metric=made_up").status_code == 404


def test_before_anything_was_measured_the_page_says_how_points_come(people, owner):
    experiments.component(owner, people["platform"])
    assert "Nothing was measured yet" in signed_in(owner).get(PAGE).content.decode()


def test_the_numbers_can_be_taken_along(sampled, owner):
    rows = signed_in(owner).get(f"{PAGE}?metric=exact_match&format=csv").content.decode().splitlines()
    assert rows[0].startswith("at,source,version,arm,dataset,experiment,value,value_low,value_high,n")
    assert len(rows) == 1 + MetricPoint.objects.filter(metric="exact_match").count()


def test_the_api_gives_the_latest_first_with_statistics(sampled, ci):
    found = bearer(ci, Permission.VIEW_EXPERIMENTS).get(CALL).json()
    times = [row["at"] for row in found["results"]]
    assert times == sorted(times, reverse=True)
    by_source = {row["source"]: row for row in found["results"]}
    automated = by_source["automated"]
    assert automated["experiment"].startswith("exp-")
    assert automated["dataset"] == "golden@1.0"
    assert {"value", "ci_low", "ci_high", "n", "method"} <= set(automated["estimate"])
    production = by_source["production"]
    assert (production["arm"], production["dataset"], production["experiment"]) == (None, None, None)


def test_the_api_pages_by_cursor_without_loss_or_repetition(sampled, ci):
    first = MetricPoint.objects.filter(metric="exact_match", source="automated").first()
    many = []
    for number in range(120):
        copied = MetricPoint.objects.get(pk=first.pk)
        copied.at, copied.origin = first.at - dt.timedelta(minutes=number // 3), 1_000 + number
        many.append(copied)
    points.add(many)
    client = bearer(ci, Permission.VIEW_EXPERIMENTS)
    address, seen = f"{CALL}?source=automated", []
    while address:
        answer = client.get(address).json()
        seen += [(row["at"], row["version"], row["arm"]) for row in answer["results"]]
        address = answer["next"]
    assert len(seen) == MetricPoint.objects.filter(metric="exact_match", source="automated").count()
    assert [row[0] for row in seen] == sorted((row[0] for row in seen), reverse=True)


def test_a_range_has_a_beginning_that_belongs_to_it_and_an_end_that_does_not(sampled, ci):
    client = bearer(ci, Permission.VIEW_EXPERIMENTS)
    point = MetricPoint.objects.filter(metric="exact_match", source="production").latest("at")
    at, day = point.at.isoformat().replace("+00:00", "Z"), point.at.date()

    def count(query: str) -> int:
        return len(client.get(f"{CALL}?source=production&{query}").json()["results"])

    every = MetricPoint.objects.filter(metric="exact_match", source="production").count()
    assert count(f"from={at}") == count(f"from={day}") == 1
    assert count(f"to={at}") == every - 1
    assert count(f"to={day}") == every


@pytest.mark.parametrize(
    ("query", "code"),
    [("from=yesterday", "bad_time"), ("to=2026-02-30", "bad_time"), ("source=x", "bad_source")],
)
def test_what_cannot_be_asked_is_refused_in_words(sampled, ci, query, code):
    answer = bearer(ci, Permission.VIEW_EXPERIMENTS).get(f"{CALL}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("cursor", ["cD14", "cD0yMDI2", "bm90aGluZw==", "cD0xMg=="])
def test_a_cursor_that_is_none_is_not_found(sampled, ci, cursor):
    assert (
        bearer(ci, Permission.VIEW_EXPERIMENTS).get(f"{CALL}?cursor={cursor}").status_code == 404
        or cursor == "bm90aGluZw=="
    )


def test_another_owners_components_are_in_no_exposition(sampled):
    stranger = bearer(person("stranger", Role.OWNER), Permission.VIEW_EXPERIMENTS)
    assert "adder" not in stranger.get("/api/v1/series/openmetrics").getvalue().decode()
    assert stranger.get("/api/v1/series/openmetrics?component=adder").status_code == 404


@pytest.mark.parametrize("address", [f"{PAGE}?metric=exact_match", CALL, "/api/v1/series/openmetrics"])
def test_more_points_cost_no_query_more(sampled, owner, address):
    client = signed_in(owner)
    first = MetricPoint.objects.filter(metric="exact_match", source="automated").first()

    def add(number: int) -> None:
        copied = MetricPoint.objects.get(pk=first.pk)
        copied.at, copied.origin = clock.now(), 1_000 + number
        points.add([copied])

    def ask() -> None:
        answer = client.get(address)
        assert answer.status_code == 200
        if answer.streaming:
            answer.getvalue()

    no_query_growth(ask, add)
