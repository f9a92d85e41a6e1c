"""`/metrics`: only whoever has the token reads it, it is what scrapers read, and it names nobody."""

import datetime as dt

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django_q.models import OrmQ

from annotation import campaigns
from evaltrack import clock, env, openmetrics, schedules, scrape
from evaltrack.notifications import channels
from evaltrack.notifications.models import Delivery, Notification
from evaltrack.notifications.outbox import Message, post
from evaltrack.openmetrics import Gauge
from experiments.models import ComponentVersion, Endpoint, MetricPoint
from experiments.running import claims, planning
from experiments.series import latest
from tests.accounts.callers import bearer, signed_in
from tests.experiments.production.conftest import answers, component, send  # noqa: F401
from tests.experiments.series.openmetrics_text import read
from tests.factories import annotation as reviews
from tests.factories import experiments
from tests.query_growth import no_query_growth

pytestmark = pytest.mark.django_db
TOKEN = "a-token-that-is-long-enough"


@pytest.fixture
def people(owner, platform, custodian):
    return {"owner": owner, "platform": platform, "custodian": custodian}


@pytest.fixture
def scraped(client, settings):
    settings.METRICS_TOKEN = TOKEN

    def ask():
        return client.get(
            "/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}", HTTP_ACCEPT="application/openmetrics-text"
        )

    return ask


@pytest.fixture
def values(scraped):
    """Of a family: labels as a frozen set → value; `of` may narrow it to one number."""

    def find(family, **labels):
        found = [line for line in read(scraped().content.decode()) if line.family == family]
        return [line.value for line in found if labels.items() <= line.labels.items()]

    return find


# ── The door ─────────────────────────────────────────────────────────────────────────────────────────


def test_without_the_setting_there_is_no_such_page(client, admin_person):
    for anybody in (client, signed_in(admin_person)):
        answer = anybody.get("/metrics", HTTP_AUTHORIZATION="Bearer ")
        assert answer.status_code == 404
        assert b"evaltrack_" not in answer.content


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer ä",
    ],
)
def test_whoever_has_not_the_token_reads_nothing(client, settings, header):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", HTTP_AUTHORIZATION=header)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert b"evaltrack_run" not in answer.content


def test_neither_a_person_nor_a_token_of_theirs_opens_it(settings, admin_person):
    settings.METRICS_TOKEN = TOKEN
    assert signed_in(admin_person).get("/metrics").status_code == 401
    assert bearer(admin_person, "experiments:view").get("/metrics").status_code == 401


def test_a_token_that_can_be_guessed_is_no_setting(monkeypatch):
    monkeypatch.setitem(env.VALUES, "EVALTRACK_METRICS_TOKEN", "short")
    with pytest.raises(ImproperlyConfigured, match="at least 20 characters"):
        env.token("EVALTRACK_METRICS_TOKEN", "")


def test_it_is_read_and_never_written(client, settings):
    settings.METRICS_TOKEN = TOKEN
    assert client.post("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}").status_code == 405


# ── The text ─────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_openmetrics_to_who_accepts_it_and_plain_to_others(scraped, client):
    assert scraped()["Content-Type"] == openmetrics.CONTENT_TYPE
    plain = client.get("/metrics", HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    assert plain["Content-Type"] == openmetrics.PLAIN_CONTENT_TYPE
    assert read(plain.content.decode())


def test_labels_are_escaped_and_a_family_without_values_keeps_its_head():
    hostile = 'v1"} 7\n# EOF\n\\"\\n'
    text = "".join(openmetrics.text([Gauge("a", "One.", [((("x", hostile),), 1)]), Gauge("b", "None.", [])]))
    (line,) = read(text)
    assert (line.labels, line.at) == ({"x": hostile}, None)
    assert "# TYPE b gauge" in text


def test_an_empty_instance_answers_with_noughts(values):
    assert values("evaltrack_run_queue_experiments") == [0] * 12
    assert values("evaltrack_outbox_undelivered") == [0, 0, 0]
    assert values("evaltrack_review_queue_overdue") == [0]
    assert values("evaltrack_part_up") == [1] * len(scrape.PARTS)
    assert values("evaltrack_metric") == []


# ── What it says ─────────────────────────────────────────────────────────────────────────────────────


def test_it_tells_the_run_queue_and_its_endpoints(values, people):
    row = experiments.submitted(**people, examples=10, base_url="http://127.0.0.1:9/secret/v1", concurrency=8)
    planning.start(row, at=clock.now())
    runs = dict(row.runs.values_list("pk", "endpoint"))
    claims.claim(row, runs, dict.fromkeys(runs.values(), 3), token="7" * 32, at=clock.now())
    Endpoint.objects.update(allowed=4.2)
    assert values("evaltrack_run_queue_experiments", lane="standard", state="running") == [1]
    assert values("evaltrack_run_queue_outputs", lane="standard", state="open") == [17]
    assert values("evaltrack_run_queue_outputs", lane="standard", state="claimed") == [3]
    assert values("evaltrack_endpoint_limit", endpoint="127.0.0.1:9") == [4]
    assert values("evaltrack_endpoint_claimed") == [3]


def test_two_addresses_of_one_host_are_one(values, people):
    for name in ("one", "two"):
        row = experiments.submitted(**people, name=name, examples=10, base_url=f"http://127.0.0.1:9/{name}")
        planning.start(row, at=clock.now())
    assert values("evaltrack_endpoint_limit") == [32]


def test_it_tells_what_people_owe(values, people, evaluator_one, evaluator_two):
    campaign = reviews.open_campaign(**people)
    owed = campaign.slots.count()
    assert values("evaltrack_review_queue_judgments", state="open") == [owed]
    reviews.next_for(evaluator_one)
    assert values("evaltrack_review_queue_judgments", state="held") == [1]
    assert values("evaltrack_review_queue_overdue") == [0]
    campaign.slots.update(due_at=clock.now() - dt.timedelta(hours=2))
    assert values("evaltrack_review_queue_overdue") == [owed]
    assert values("evaltrack_review_queue_most_overdue_seconds")[0] == pytest.approx(7200, abs=60)


def test_it_tells_what_should_have_left_and_not_what_is_booked_for_later(values, owner, lead):
    at = clock.now()
    post(Message(key="a:1", subject="Late", body="b", topic="escalations"), to=[owner], at=at)
    Notification.objects.update(created_at=at - dt.timedelta(hours=1))
    post(Message(key="a:2", subject="Tonight", body="b"), to=[owner], at=at)
    Notification.objects.filter(dedupe_key="a:2").update(send_after=at + dt.timedelta(hours=9))
    assert values("evaltrack_outbox_undelivered", kind="mail") == [1]
    assert values("evaltrack_outbox_oldest_seconds", kind="mail")[0] == pytest.approx(3600, abs=60)
    channel, _ = channels.add(
        name="Leads", kind="slack", address="https://127.0.0.1/x", topics=["escalations"], by=lead, at=at
    )
    post(Message(key="a:3", subject="To the channel", body="b", topic="escalations"), to=[], at=at)
    assert Delivery.objects.count() == 1
    assert values("evaltrack_outbox_undelivered", kind="channel") == [1]
    channel.paused_at, channel.pause_reason = at, "quiet"
    channel.save()
    assert values("evaltrack_outbox_undelivered", kind="channel") == [0]


def test_it_tells_when_a_worker_was_heard_of_last(values):
    assert values("evaltrack_worker_tick_timestamp_seconds") == []
    schedules.sync()
    at = clock.now()
    OrmQ.objects.create(key="evaltrack", payload="p", lock=at - dt.timedelta(minutes=3))
    assert values("evaltrack_worker_tick_timestamp_seconds")[0] == pytest.approx(at.timestamp() - 60, abs=30)
    assert values("evaltrack_wake_ups_oldest_seconds")[0] == pytest.approx(180, abs=30)


def test_it_tells_the_latest_value_of_each_metric_that_decides(values, component, send):  # noqa: F811
    send(*answers(30, 10, ago=dt.timedelta(days=3)))
    send(*answers(36, 4, ago=dt.timedelta(days=1), prefix="later"))
    by_source = {"source": "automated", "metric": "exact_match"}
    assert values("evaltrack_metric", **by_source, arm="candidate", version="v2", dataset="golden@1.0") == [
        1.0
    ]
    # The baseline is measured too, and is not the latest of its component.
    assert len(values("evaltrack_metric", **by_source)) == 1
    assert values("evaltrack_metric", source="production", metric="exact_match", version="v2") == [0.9]
    assert len(values("evaltrack_metric_low", source="production", metric="exact_match")) == 1
    assert values("evaltrack_metric", metric="latency_p95") == []
    days = values("evaltrack_metric_measured_timestamp_seconds", source="production", metric="exact_match")
    assert 0 < clock.now().timestamp() - days[0] < 2 * 86_400


def test_what_people_prefer_is_told_when_it_is_evidence(values, people, evaluator_one, evaluator_two, lead):
    campaign = reviews.open_campaign(**people)
    assert values("evaltrack_metric", source="human") == []
    reviews.judge_everything([evaluator_one, evaluator_two])
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert len(values("evaltrack_metric", source="human", metric="net_preference")) == 1


def test_versions_may_be_called_whatever_people_like(values, component):  # noqa: F811
    ComponentVersion.objects.filter(version="v2").update(version='the "second"\\one')
    assert values("evaltrack_metric", version='the "second"\\one', metric="exact_match") == [1.0]


def test_beyond_the_limit_it_says_how_many_are_left_out(values, component, monkeypatch):  # noqa: F811
    monkeypatch.setattr(latest, "MOST_PAIRS", 1)
    assert len(values("evaltrack_metric")) == 1
    assert values("evaltrack_metrics_left_out") == [1]


def test_what_was_not_measured_for_a_year_is_no_value_of_now(values, component):  # noqa: F811
    for point in MetricPoint.objects.all():
        MetricPoint.objects.filter(pk=point.pk).delete()
        point.at -= dt.timedelta(days=400)
        point.save(force_insert=True)
    assert values("evaltrack_metric") == []


def test_a_source_is_looked_for_among_the_latest_points_alone(values, component, send, monkeypatch):  # noqa: F811
    send(*answers(30, 10, ago=dt.timedelta(days=3)))
    # Four of two experiments, just measured, are later than the day of production.
    monkeypatch.setattr(latest, "MOST_POINTS", 5)
    assert len(values("evaltrack_metric", source="production", metric="exact_match")) == 1
    monkeypatch.setattr(latest, "MOST_POINTS", 4)
    assert values("evaltrack_metric", source="production", metric="exact_match") == []
    assert len(values("evaltrack_metric", source="automated", metric="exact_match")) == 1


# ── What it must never say, and what it costs ────────────────────────────────────────────────────────


def test_it_names_nobody(scraped, people, evaluator_one, evaluator_two, lead):
    campaign = reviews.open_campaign(**people)
    reviews.judge_everything([evaluator_one, evaluator_two])
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    experiments.submitted(**people, name="other", examples=10)
    text = scraped().content.decode()
    assert "evaltrack_metric{" in text
    for who in (evaluator_one, evaluator_two, lead, *people.values()):
        for name in (who.username, who.email, who.pseudonym or "no pseudonym"):
            assert f'"{name}"' not in text
    assert str(campaign.public_id) not in text
    assert campaign.name not in text


def test_a_part_that_the_database_does_not_answer_hides_none_of_the_others(values, monkeypatch):
    def times_out(at):
        raise DatabaseError("canceling statement due to statement timeout")

    monkeypatch.setitem(scrape.PARTS, "metrics", times_out)
    assert values("evaltrack_part_up", part="metrics") == [0]
    assert values("evaltrack_part_up", part="outbox") == [1]
    assert values("evaltrack_outbox_undelivered") == [0, 0, 0]


@pytest.mark.postgresql
def test_a_statement_that_takes_too_long_is_given_up(values, monkeypatch):
    def sleeps(at):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(20)")

    monkeypatch.setattr(scrape, "LONGEST_STATEMENT_MS", 50)
    monkeypatch.setitem(scrape.PARTS, "metrics", sleeps)
    assert values("evaltrack_part_up", part="metrics") == [0]


def test_a_scrape_costs_as_many_queries_for_many_components_as_for_few(scraped, people):
    def another(number):
        row = experiments.component(people["owner"], people["platform"], name=f"more-{number}")
        experiments.component_version(row, people["platform"], version="v1")

    another("first")
    no_query_growth(scraped, another, rows=3)
