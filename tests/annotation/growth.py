"""Whether a page's cost grows with the rows it shows."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext


def queries_of(client: Client, path: str) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = client.get(path)
    assert response.status_code == 200
    return [query["sql"] for query in queries]


def assert_no_query_growth(client: Client, path: str, *, add: Callable[[], object]) -> None:
    """`path` costs the same number of queries before and after `add` has added rows that it shows."""
    client.get(path)  # what is read once per process is read now
    before = queries_of(client, path)
    add()
    after = queries_of(client, path)
    assert len(before) == len(after), "\n".join([f"{len(before)} queries became {len(after)}:", *after])
