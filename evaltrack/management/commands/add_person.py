"""`manage.py add_person USERNAME --role admin`: how the first administrator comes into an installation."""

import getpass

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role


def asked_password(username: str) -> str:
    password = getpass.getpass(f"Password for {username}: ")
    try:
        validate_password(password)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return password


class Command(BaseCommand):
    help = "Create an account, or take one that exists, and grant it roles."

    def add_arguments(self, parser):
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument("--role", action="append", required=True, choices=Role.values)

    def handle(self, *, username: str, email: str, role: list[str], **options):
        existing = User.objects.filter(username=username).first()
        password = None if existing else asked_password(username)
        with transaction.atomic():
            user = existing or User.objects.create_user(username, email, password)
            for name in role:
                grants.grant(user, Role(name), by=None, at=clock.now())
        self.stdout.write(f"{username}: {', '.join(sorted(user.roles))}")
