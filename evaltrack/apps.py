from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class EvaltrackConfig(AppConfig):
    """The project package as an app: templates, commands and static files; no models of its own."""

    name = "evaltrack"


class RoleAdminConfig(AdminConfig):
    default_site = "evaltrack.admin_site.RoleAdminSite"
