"""What every API view shares: permissions by method, and paging by cursor."""

import datetime as dt
from collections.abc import Callable
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import NotFound
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from evaltrack import clock
from evaltrack.accounts.access import MethodPermissions
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Invalid


class ApiView(APIView):
    """`permissions` names, for each method, the permissions of which one is needed."""

    permissions: ClassVar[dict[str, tuple[Permission, ...]]]
    permission_classes = (MethodPermissions,)

    @property
    def at(self) -> dt.datetime:
        """The time of this request by the database's clock, which a token's look-up has read already."""
        return getattr(self.request.auth, "read_at", None) or clock.now()

    def shaped(self, serializer: type[Serializer]) -> dict:
        """The request's body in the serializer's shape, or a 400 that says what is wrong where.

        A field that is not known is refused: dropping it would let the caller believe that it counted.
        """
        sent = self.request.data if isinstance(self.request.data, dict) else {}
        if unknown := sorted(set(sent) - set(serializer._declared_fields)):
            known = ", ".join(serializer._declared_fields)
            fields = {str(name): [f"is unknown; known are {known}"] for name in unknown}
            raise Invalid("unknown_field", f"{unknown[0]} is unknown; known are {known}", fields)
        checked = serializer(data=self.request.data)
        checked.is_valid(raise_exception=True)
        return checked.validated_data


class NewestFirst(CursorPagination):
    ordering: str | tuple[str, ...] = "-pk"
    page_size = 50

    def decode_cursor(self, request: Any) -> Any:
        cursor = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not self.is_position(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def is_position(self, written: str) -> bool:
        return written.isdecimal()


class LatestFirst(NewestFirst):
    """By the time `at`, and then by whatever tells rows of one time apart."""

    ordering: tuple[str, ...] = ("-at",)

    def is_position(self, written: str) -> bool:
        try:
            found = parse_datetime(written)
        except ValueError:
            return False
        return found is not None and found.tzinfo is not None


def paged(
    view: APIView, rows: QuerySet, shape: Callable[[Any], Any], by: type[NewestFirst] = NewestFirst
) -> Response:
    """A page of `rows`, newest first, each as `shape` gives it."""
    pages = by()
    page = pages.paginate_queryset(rows, view.request, view=view) or []
    return pages.get_paginated_response([shape(row) for row in page])


def person(username: str, *, field: str) -> User:
    """The account that a body names."""
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise Invalid("no_such_user", f"There is no account {username!r}.", {field: ["is no account"]})
    return found
