from django.apps import AppConfig


class EvaltrackConfig(AppConfig):
    """The project package as an app: templates, commands and static files; no models of its own."""

    name = "evaltrack"
