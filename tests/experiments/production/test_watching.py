"""Drops below the last deployment are found, told once and kept; silence is told too."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evaltrack import clock
from evaltrack.ledger.events import Event
from evaltrack.ledger.models import LedgerEntry
from evaltrack.notifications.models import Notification
from experiments.models import AlertState, Deployment, ProductionAlert, ProductionMonitor
from experiments.production import watching
from tests.accounts.callers import bearer, signed_in
from tests.experiments.production.conftest import answers, lines

HOUR = dt.timedelta(hours=1)
BEFORE = dt.timedelta(days=12)


def named(found, metric):
    return next(each for each in found if each.metric.name == metric)


@pytest.fixture
def reference(send):
    """Under v1, 90 % of 400 answers were right."""
    send(*answers(360, 40, ago=BEFORE, prefix="old"))


def test_the_same_quality_raises_nothing(send, component, reference):
    send(*answers(360, 40, ago=HOUR))
    exact = named(watching.watched(component), "exact_match")
    assert (exact.state, exact.change.value, exact.once.value) == (AlertState.NONE, 0.0, 0.0)
    assert watching.look(component, at=clock.now()) == []


@pytest.mark.parametrize(
    ("right", "wrong", "state"),
    [(430, 50, "none"), (160, 40, "watch"), (400, 110, "suspected"), (260, 140, "confirmed")],
)
def test_the_state_is_as_sure_as_the_interval(send, component, reference, right, wrong, state):
    send(*answers(right, wrong, ago=HOUR))
    exact = named(watching.watched(component), "exact_match")
    assert exact.state == state
    assert exact.change.kind == "any-time"
    assert exact.once.ci_high - exact.once.ci_low < exact.change.ci_high - exact.change.ci_low
    assert [alert.state for alert in watching.look(component, at=clock.now())] == [state] * (state != "none")


def test_a_metric_that_should_be_low_falls_by_rising(send, component, reference):
    send(*answers(360, 40, ago=HOUR, tokens=40))
    tokens = named(watching.watched(component), "output_tokens")
    assert tokens.change.value == pytest.approx(20)
    assert tokens.state == "confirmed"


def test_a_quantile_is_shown_and_not_watched(send, component, reference):
    send(*answers(360, 40, ago=HOUR, latency_ms=2000))
    latency = named(watching.watched(component), "latency_p95")
    assert latency.once.ci_low > 1000
    assert "quantile" in latency.change.reason
    assert latency.state == "none"


def test_a_confirmed_drop_is_told_once_and_enters_the_ledger(send, component, reference, platform):
    send(*answers(130, 70, ago=2 * HOUR))
    call_command("shell", command="from experiments import jobs; jobs.watch_production()", verbosity=0)
    watching.look(component, at=clock.now())
    send(*answers(130, 70, ago=HOUR, prefix="t"))
    watching.look_at_news(at=clock.now())
    watching.look_at_news(at=clock.now())
    exact = ProductionAlert.objects.filter(metric="exact_match")
    assert [(row.number, row.state) for row in exact] == [(1, "confirmed")]
    told = Notification.objects.filter(subject__contains="exact_match, confirmed")
    assert set(told.values_list("recipient__username", flat=True)) == {"owner", "platform"}
    entry = LedgerEntry.objects.filter(event=Event.PRODUCTION_REGRESSED).get()
    assert entry.subject_id == "adder/v2"


def test_a_drop_that_was_none_is_taken_back(send, component, reference):
    send(*answers(80, 25, ago=2 * HOUR))
    assert [alert.state for alert in watching.look(component, at=clock.now())] == ["watch"]
    send(*answers(400, 0, ago=HOUR, prefix="t"))
    assert [alert.state for alert in watching.look(component, at=clock.now())] == ["none"]
    # Nobody was told of the watch, so nobody is told of its end.
    assert not Notification.objects.filter(subject__contains="in production: exact_match").exists()
    assert (
        watching.latest_alerts(Deployment.objects.get(version__version="v2"))["exact_match"].state == "none"
    )


def test_without_an_earlier_sampled_deployment_there_is_nothing_to_compare_with(send, component):
    send(*answers(30, 30, ago=HOUR))
    exact = named(watching.watched(component), "exact_match")
    assert "nothing to compare with" in exact.change.reason
    assert watching.look(component, at=clock.now()) == []


def test_only_news_is_looked_at(send, component, reference, monkeypatch):
    watching.look_at_news(at=clock.now())
    looked = []
    monkeypatch.setattr(watching, "look", lambda found, at: looked.append(found))
    watching.look_at_news(at=clock.now())
    assert looked == []
    send(*answers(3, 0, ago=HOUR))
    watching.look_at_news(at=clock.now())
    assert looked == [component]


# ── Page and API ─────────────────────────────────────────────────────────────────────────────────────

PAGE = "/components/adder/production/"


def test_the_page_without_samples_says_what_to_do(component):
    assert "No samples yet" in signed_in(component.owner).get(PAGE).content.decode()


def test_the_page_shows_levels_alerts_and_days(send, component, reference):
    send(*answers(260, 140, ago=HOUR))
    watching.look(component, at=clock.now())
    page = signed_in(component.owner).get(PAGE).content.decode()
    for words in (
        "65.0 %",
        "90.0 %",
        "confirmed",
        "by more than 2 points",
        "exact_match by day",
        "Newest samples",
    ):
        assert words in page
    assert (
        "output_tokens by day"
        in signed_in(component.owner).get(PAGE + "?metric=output_tokens").content.decode()
    )
    assert signed_in(component.owner).get(PAGE + "?metric=charm").status_code == 404


def test_texts_are_for_those_who_may_read_examples(send, component, approver):
    send(*answers(3, 0, ago=HOUR))
    assert "What is 1 plus 1?" in signed_in(component.owner).get(PAGE).content.decode()
    assert "What is 1 plus 1?" not in signed_in(approver).get(PAGE).content.decode()


def test_a_hostile_answer_is_shown_as_text(send, component):
    send(answers(1, 0, ago=HOUR)[0] | {"output": "<script>alert(1)</script>\u202e"})
    page = signed_in(component.owner).get(PAGE).content.decode()
    assert "<script>alert(1)" not in page
    assert "\u202e" not in page


def test_the_page_costs_the_same_with_more_samples(send, component, reference, django_assert_num_queries):
    client = signed_in(component.owner)
    send(*answers(5, 0, ago=HOUR))
    with CaptureQueriesContext(connection) as few:
        client.get(PAGE)
    send(*answers(400, 0, ago=2 * HOUR, prefix="t"))
    with django_assert_num_queries(len(few)):
        client.get(PAGE)


def test_samples_and_quality_over_the_api(component, ci):
    client = bearer(ci, "experiments:submit", "experiments:view")
    rows = answers(30, 10, ago=HOUR)

    def post(*sent, **headers):
        body = b"".join(lines(*sent))
        return client.post(
            "/api/v1/production/adder/samples", body, content_type="application/x-ndjson", headers=headers
        )

    answer = post(*rows)
    assert (answer.status_code, answer.json()) == (201, {"new": 40, "known": 0})
    bad = post(rows[0] | {"output": 7})
    assert bad.status_code == 400
    assert bad.json()["errors"][0]["line"] == 1
    once, again = (post(*answers(2, 0, ago=HOUR, prefix="k"), **{"Idempotency-Key": "k1"}) for _ in range(2))
    assert once.json()["new"] == 2
    assert again.status_code in (201, 409)
    quality = client.get("/api/v1/production/adder/quality").json()
    assert quality["fresh"] is True
    assert quality["samples"] == 42
    exact = quality["metrics"][0]
    assert (exact["metric"], exact["level"]["n"], exact["state"]) == ("exact_match", 42, "none")
    assert ProductionMonitor.objects.get().samples == 42


def test_the_list_of_components_says_what_stands(send, component, reference):
    def page():
        return signed_in(component.owner).get("/components/").content.decode()

    assert "nothing heard" in page()  # the reference is twelve days old
    send(*answers(260, 140, ago=HOUR))
    watching.look(component, at=clock.now())
    assert "exact_match confirmed" in page()
    assert "nothing heard" not in page()
    send(*answers(3000, 0, ago=HOUR, prefix="t"))
    watching.look(component, at=clock.now())
    assert "confirmed" not in page()
