from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "evaltrack.accounts"
    label = "accounts"
    verbose_name = "People and tokens"
