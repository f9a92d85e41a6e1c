from django.apps import AppConfig
from django.core.checks import register

from experiments import checks


class ExperimentsConfig(AppConfig):
    name = "experiments"

    def ready(self) -> None:
        register(checks.plugins_load)
        register(checks.scorers_are_known)
