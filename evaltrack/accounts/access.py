"""The one place that decides whether a request may enter: `requires(Permission.X)` for pages and the API."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission

from evaltrack.accounts.models import ApiToken, User
from evaltrack.accounts.roles import Permission
from evaltrack.errors import Refused


class PageRequest(HttpRequest):
    """What a page's view gets: the middlewares have let a signed-in person through, and know htmx."""

    user: User
    htmx: HtmxDetails


def may(user: User, permission: Permission, token: ApiToken | None = None) -> bool:
    """Whether `user` may, through `token` if there is one.

    A person's token can do what both the person and its scopes allow; a machine has no roles, so for it the
    scopes alone decide.
    """
    if not user.is_authenticated:
        return False
    if token is None:
        return user.can(permission)
    return permission in token.scopes and (user.is_machine or user.can(permission))


def refusal(permission: Permission) -> Refused:
    return Refused("not_permitted", f"Your role does not include: {permission.label.lower()}.")


def requires(*permissions: Permission) -> Callable:
    """Decorate a page's view: the signed-in person needs one of `permissions`."""

    def decorate(view):
        @wraps(view)
        def guarded(request: PageRequest, *args, **kwargs):
            if not any(may(request.user, permission) for permission in permissions):
                raise refusal(permissions[0])
            return view(request, *args, **kwargs)

        guarded.permissions = permissions  # type: ignore[attr-defined]
        return guarded

    return decorate


class DeniedByDefault(BasePermission):
    """What an API view gets that names no permission."""

    def has_permission(self, request, view) -> bool:
        return False


class MethodPermissions(BasePermission):
    """Reads `permissions = {"GET": (…), "POST": (…)}` of an API view; a method not named is refused."""

    def has_permission(self, request, view) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.method not in view.permissions:
            raise MethodNotAllowed(request.method)
        asked = view.permissions[request.method]
        if any(may(request.user, permission, request.auth) for permission in asked):
            return True
        raise refusal(asked[0])
