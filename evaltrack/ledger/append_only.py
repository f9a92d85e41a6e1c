"""Rows that are written once: friendly errors in front of the triggers of `triggers`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from django.db import IntegrityError, models

from evaltrack.errors import Conflict

Row = TypeVar("Row", bound=models.Model)


def refuse(what: str) -> NoReturn:
    raise Conflict(
        "ledger_append_only", f"The ledger is append-only: {what}. Record what changed as a new entry."
    )


@contextmanager
def clear_refusals() -> Iterator[None]:
    """A trigger's or constraint's error as a `Conflict` that says what to do."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(
            "ledger_append_only",
            "The database refused this write to the ledger, which is append-only and without gaps. "
            "If somebody else was writing at the same time, try again.",
        ) from error


class WrittenOnceQuerySet(models.QuerySet[Row]):
    """Rows that can be deleted, never changed."""

    def update(self, **values: Any) -> NoReturn:
        refuse("rows cannot be changed")

    # What templates read to know that they must not call it.
    update.alters_data = True  # type: ignore[attr-defined]


class AppendOnlyQuerySet(WrittenOnceQuerySet[Row]):
    def delete(self) -> NoReturn:
        refuse("rows cannot be deleted")

    delete.alters_data = True  # type: ignore[attr-defined]
    # Not offered on the manager, as with Django's own.
    delete.queryset_only = True  # type: ignore[attr-defined]


class WrittenOnce(models.Model):
    """A row that cannot be saved a second time."""

    class Meta:
        abstract = True

    def save(self, **options: Any) -> None:
        if not self._state.adding:
            refuse("a row that was written cannot be changed")
        options["force_insert"] = True
        with clear_refusals():
            super().save(**options)
