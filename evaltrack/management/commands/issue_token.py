"""`manage.py issue_token USERNAME --scope judge`: prints a token as its last word."""

from django.core.management.base import BaseCommand, CommandError

from evaltrack import clock
from evaltrack.accounts import tokens
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import SCOPES
from evaltrack.errors import Invalid


class Command(BaseCommand):
    help = "Issue an API token; it is printed once and cannot be shown again."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument(
            "--scope", action="append", required=True, help=f"one of {', '.join(sorted(SCOPES))}"
        )
        parser.add_argument("--name", default="command line")

    def handle(self, *, username: str, scope: list[str], name: str, **options):
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no account {username!r}.")
        try:
            token = tokens.issue(user, name=name, scopes=scope, by=None, at=clock.now())
        except Invalid as error:
            raise CommandError(error.reason) from error
        self.stdout.write(f"Token of {username} for {', '.join(scope)}: {token}")
