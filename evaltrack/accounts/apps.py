from django.apps import AppConfig
from django.db.models.signals import post_migrate

from evaltrack.accounts import agreement_text


class AccountsConfig(AppConfig):
    name = "evaltrack.accounts"
    label = "accounts"
    verbose_name = "People and tokens"

    def ready(self) -> None:
        post_migrate.connect(agreement_text.install, sender=self)
