"""Django's admin, entered by roles: whoever a role gives an admin page may come in and sees just that."""

from django.contrib.admin import AdminSite
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest


class RoleAdminSite(AdminSite):
    site_header = site_title = "evaltrack"
    index_title = "Desks"
    login_form = AuthenticationForm

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and bool(request.user.get_all_permissions())
