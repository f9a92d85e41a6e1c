"""Those who ask over HTTP: a person in a browser, a machine or a person with a token."""

from django.test import Client

from evaltrack import clock
from evaltrack.accounts import tokens
from evaltrack.accounts.models import User


def bearer(user: User, *scopes: str) -> Client:
    raw = tokens.issue(user, name="test", scopes=scopes, by=None, at=clock.now())
    return Client(headers={"Authorization": f"Bearer {raw}"})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
