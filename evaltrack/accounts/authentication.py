"""Who is asking: bearer tokens for the API, and role permissions in the words of Django's admin."""

import datetime as dt

from django.contrib.auth.backends import ModelBackend
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from evaltrack.accounts import callers, tokens
from evaltrack.accounts.models import ApiToken
from evaltrack.accounts.roles import ADMIN_PAGES

# A busy token must not write its row at every call.
LAST_USED_GRAIN = dt.timedelta(minutes=1)


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer evt_…`; leaves the token on `request.auth`."""

    def authenticate(self, request):
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != b"bearer":
            return None
        found = tokens.find(words[1].decode("ascii", "replace")) if len(words) == 2 else None
        if found is None:
            raise AuthenticationFailed("This token is unknown, expired or revoked. Ask for a new one.")
        token, at = found
        token.read_at = at
        if token.last_used_at is None or at - token.last_used_at > LAST_USED_GRAIN:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=at)
        return token.user, token

    def authenticate_header(self, request):
        return "Bearer"


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer"}


class RoleBackend(ModelBackend):
    """Django's login, with permissions of the admin pages taken from roles and nothing else."""

    def user_can_authenticate(self, user):
        """Machines act by token alone."""
        return super().user_can_authenticate(user) and not user.is_machine

    def get_user(self, user_id):
        user = callers.signed_in(user_id)
        return user if user and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj, obj=None):
        if obj is not None or not user_obj.is_active or user_obj.is_anonymous:
            return set()
        return {
            page for permission, pages in ADMIN_PAGES.items() if user_obj.can(permission) for page in pages
        }

    def has_perm(self, user_obj, perm, obj=None):
        return perm in self.get_all_permissions(user_obj)

    def has_module_perms(self, user_obj, app_label):
        return any(page.startswith(app_label + ".") for page in self.get_all_permissions(user_obj))
