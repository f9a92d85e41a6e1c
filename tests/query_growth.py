"""A page costs as many queries for many rows as for few."""

from collections.abc import Callable

from django.db import connection
from django.test.utils import CaptureQueriesContext


def queries_of(ask: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        ask()
    return [query["sql"] for query in captured.captured_queries]


def no_query_growth(ask: Callable[[], object], add: Callable[[int], object], rows: int = 10) -> None:
    """Ask, `add` rows one by one, ask again: no query more than before.

    The first call of all warms what is kept between requests, such as content types.
    """
    ask()
    before = queries_of(ask)
    for number in range(rows):
        add(number)
    after = queries_of(ask)
    further = [sql for sql in after if after.count(sql) > before.count(sql)]
    assert len(after) <= len(before), (
        f"{len(before)} queries became {len(after)} with {rows} more rows, such as:\n"
        + "\n".join(further[:5])
    )
