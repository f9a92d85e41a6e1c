"""Silence is told once, and counted from when news was too old until it came."""

import datetime as dt

import pytest

from evaltrack import clock
from evaltrack.notifications.models import Notification
from experiments.models import ProductionMonitor, ProductionSilence
from experiments.production import silence
from tests.experiments.production.conftest import answers

HOUR = dt.timedelta(hours=1)


def test_silence_is_told_once(send):
    send(*answers(3, 0, ago=5 * HOUR))
    silence.tell(at=clock.now())
    silence.tell(at=clock.now())
    told = Notification.objects.filter(subject__contains="nothing is heard")
    assert set(told.values_list("recipient__username", flat=True)) == {"owner", "platform"}
    send(*answers(3, 0, ago=HOUR, prefix="t"))
    silence.tell(at=clock.now())
    assert told.count() == 2


def test_a_silence_is_kept_when_it_ends(send):
    send(*answers(1, 0, ago=9 * HOUR, prefix="a"))
    monitor = ProductionMonitor.objects.get()
    assert not silence.is_fresh(monitor, at=clock.now())
    send(*answers(1, 0, ago=HOUR, prefix="b"))
    kept = ProductionSilence.objects.get()
    assert kept.began_at == monitor.newest_sample_at + silence.FRESH
    assert clock.now() - kept.ended_at < dt.timedelta(minutes=1)
    send(*answers(1, 0, ago=0.5 * HOUR, prefix="c"))
    assert ProductionSilence.objects.count() == 1
    assert silence.is_fresh(ProductionMonitor.objects.get(), at=clock.now())


def test_the_fresh_share_is_of_the_time_since_the_first_samples_came(component):
    at = clock.now()
    monitor = ProductionMonitor.objects.create(
        component=component, first_received_at=at - 20 * HOUR, newest_sample_at=at - 6 * HOUR
    )
    ProductionSilence.objects.create(monitor=monitor, began_at=at - 30 * HOUR, ended_at=at - 17 * HOUR)
    assert silence.fresh_share(monitor, at=at) == pytest.approx(1 - (3 + 2) / 20)


def test_while_the_news_is_fresh_no_more_than_all_of_the_time_was(component):
    at = clock.now()
    monitor = ProductionMonitor.objects.create(
        component=component, first_received_at=at - 20 * HOUR, newest_sample_at=at - HOUR
    )
    assert silence.fresh_share(monitor, at=at) == 1
    ProductionSilence.objects.create(monitor=monitor, began_at=at - 10 * HOUR, ended_at=at - 5 * HOUR)
    assert silence.fresh_share(monitor, at=at) == pytest.approx(1 - 5 / 20)


def test_without_samples_there_is_no_share(component):
    monitor = ProductionMonitor.objects.create(component=component)
    assert silence.fresh_share(monitor, at=clock.now()) is None
    assert not silence.is_fresh(monitor, at=clock.now())


def test_what_comes_late_and_is_old_ends_no_silence_and_is_counted_once(send):
    send(*answers(1, 0, ago=9 * HOUR, prefix="a"))
    send(*answers(1, 0, ago=12 * HOUR, prefix="older"))
    assert not ProductionSilence.objects.exists()
    send(*answers(1, 0, ago=7 * HOUR, prefix="b"))
    monitor = ProductionMonitor.objects.get()
    ProductionMonitor.objects.update(first_received_at=clock.now() - 10 * HOUR)
    monitor.refresh_from_db()
    # From 5 hours ago on it is silent, though a newer sample came in meanwhile.
    assert silence.fresh_share(monitor, at=clock.now()) == pytest.approx(0.5, abs=0.01)
