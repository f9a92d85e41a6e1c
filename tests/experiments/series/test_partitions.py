"""On PostgreSQL each month is a partition: made ahead, without locking anybody out, and read alone."""

import datetime as dt

import pytest
from django.db import connection, transaction

from evaltrack import clock
from experiments.models import MetricPoint
from experiments.series import partitions, points
from tests.factories import experiments

pytestmark = pytest.mark.postgresql
MONTH = dt.date(2019, 3, 1)


@pytest.fixture
def old(people) -> MetricPoint:
    """A point of a month of which there is no partition."""
    experiments.measured(**people)
    point = MetricPoint.objects.first()
    point.at = dt.datetime(2019, 3, 31, 23, 59, 59, tzinfo=dt.UTC)
    points.add([point])
    return point


def plan(**part) -> str:
    return MetricPoint.objects.filter(component=1, metric="exact_match", **part).explain()


def where(point: MetricPoint) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text FROM experiments_metricpoint WHERE at = %s", [point.at]
        )
        ((table,),) = cursor.fetchall()
    return table


def test_this_month_and_the_next_ones_are_there(db):
    month = partitions.first_of(clock.now())
    for _ in range(partitions.AHEAD + 1):
        assert month in partitions.existing()
        month = partitions.following(month)


def test_a_range_reads_the_months_that_it_touches_and_no_others(db):
    month = partitions.first_of(clock.now())
    begin = partitions.midnight(month)
    seen = plan(at__gte=begin, at__lt=begin + dt.timedelta(days=20))
    assert f"experiments_metricpoint_{month:%Y_%m}" in seen
    assert f"experiments_metricpoint_{partitions.following(month):%Y_%m}" not in seen
    assert "default" not in seen


def test_a_point_of_no_month_is_kept_and_moves_when_its_month_is_made(old):
    assert where(old) == "experiments_metricpoint_default"
    assert MetricPoint.objects.get(pk=old.pk).value == old.value
    assert partitions.keep(at=clock.now()) == [MONTH]
    assert where(old) == "experiments_metricpoint_2019_03"
    assert MetricPoint.objects.get(pk=old.pk).value == old.value
    assert partitions.keep(at=clock.now()) == []


def test_a_month_that_was_made_holds_the_same_rules(old):
    partitions.keep(at=clock.now())
    points.add([old])
    assert MetricPoint.objects.filter(at=old.at).count() == 1
    with pytest.raises(Exception, match="point_source_known"), transaction.atomic():
        MetricPoint.objects.filter(at=old.at).update(source="hearsay")


def test_next_year_is_made_when_its_time_comes(db):
    made = partitions.keep(at=dt.datetime(2061, 11, 30, tzinfo=dt.UTC))
    assert [f"{month:%Y-%m}" for month in made] == ["2061-11", "2061-12", "2062-01", "2062-02"]


def test_a_role_that_owns_no_table_leaves_points_where_they_are(old, caplog):
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE application")
        cursor.execute("GRANT SELECT, INSERT, UPDATE ON experiments_metricpoint TO application")
        cursor.execute("SET LOCAL ROLE application")
        made = partitions.keep(at=dt.datetime(2061, 11, 30, tzinfo=dt.UTC))
        points.add([old])
        cursor.execute("RESET ROLE")
    assert made == []
    assert "manage.py partition_series as the owner" in caplog.text
    assert where(old) == "experiments_metricpoint_default"


@pytest.mark.django_db(transaction=True)
def test_making_a_month_waits_for_nobody_who_writes_and_keeps_nobody_from_writing(people, monkeypatch):
    """One connection has a transaction open that read and wrote; the month is made beside it."""
    experiments.measured(**people)
    point = MetricPoint.objects.first()
    other = connection.copy()
    monkeypatch.setattr(partitions, "PATIENCE", "200ms")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM experiments_metricpoint WHERE at = %s", [point.at])
            cursor.execute("UPDATE experiments_metricpoint SET reason = reason WHERE at = %s", [point.at])
        assert partitions.make([dt.date(2070, 1, 1)]) == [dt.date(2070, 1, 1)]
    finally:
        other.rollback()
        other.close()
        drop("2070_01")


@pytest.mark.django_db(transaction=True)
def test_a_month_that_would_have_to_wait_is_left_for_the_next_time(monkeypatch, caplog):
    other = connection.copy()
    monkeypatch.setattr(partitions, "PATIENCE", "100ms")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM experiments_metricpoint_default")
        assert partitions.make([dt.date(2070, 1, 1)]) == []
        assert "the month 2070-01 of the series could not be made" in caplog.text
        other.rollback()
        assert partitions.make([dt.date(2070, 1, 1)]) == [dt.date(2070, 1, 1)]
    finally:
        other.close()
        drop("2070_01")


def drop(month: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS experiments_metricpoint_{month}")
