"""How long another side asks us to wait."""

from datetime import UTC, datetime

import pytest

from evaltrack.integrations.waits import duration, retry_after, until_reset

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("99999", 300.0),
        ("inf", 300.0),
        ("Sun, 29 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 29 Nov 2026 13:00:00 GMT", 300.0),
        ("Sun, 29 Nov 2026 11:59:59 GMT", None),
        ("Sun, 29 Nov 2026 12:00:30 -0000", None),
        ("-1", None),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(said, seconds):
    assert retry_after(said, most=300, now=NOW) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("1.5s", 1.5),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("1h2m", 3720.0),
        ("1d", None),
        ("", None),
        ("s", None),
    ],
)
def test_durations_are_read_as_gateways_write_them(text, seconds):
    assert duration(text) == seconds


def test_an_allowance_that_is_used_up_is_waited_for():
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}
    assert until_reset(headers, most=300) == 1.0
    headers |= {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}
    assert until_reset(headers, most=300) == 300
    assert (
        until_reset({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1s"}, most=300)
        is None
    )
    assert until_reset({"x-ratelimit-remaining-requests": "0"}, most=300) is None
