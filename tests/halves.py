"""Which tests run on one of the two databases only, because the other could show nothing else.

All others run on both. Where there is one database, or pytest is called by hand, everything runs on it.
"""

import pytest

# What asks for one of these may touch the database; of all others, pytest-django refuses it to each query.
DATABASE = {"db", "transactional_db", "live_server", "empty_database"}
# They start processes, which find the database by themselves.
PROCESSES = ("tests/browser/", "tests/demo/test_demo.py")
# Their subject is what the page's script and styles do. What the server answers is tested on both databases by
# tests/annotation, and that a browser gets along with each by tests/browser/test_walks.py. Divided so that both
# halves end at about the same time.
FRONT_END = {
    "tests/browser/test_accessibility.py": "SQLite",
    "tests/browser/judging/test_faults.py": "PostgreSQL",
    "tests/browser/judging/": "SQLite",
}


def only_half(item: pytest.Item) -> str:
    """The half that runs the test alone, or nothing where both do."""
    for start, label in FRONT_END.items():
        if item.nodeid.startswith(start):
            return label
    # What touches no database runs in the half that has less to do: PostgreSQL's proves concurrency.
    return "SQLite" if is_pure(item) else ""


def is_pure(item: pytest.Item) -> bool:
    """What it finds does not depend on the database."""
    marked = item.get_closest_marker("django_db") or item.get_closest_marker("postgresql")
    asks = marked or DATABASE & set(getattr(item, "fixturenames", ()))
    return not asks and not item.nodeid.startswith(PROCESSES)
