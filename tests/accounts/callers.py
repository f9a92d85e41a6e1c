"""Those who ask over HTTP: a person in a browser, a machine or a person with a token."""

import pytest
from django.test import Client

from evaltrack import clock
from evaltrack.accounts import tokens
from evaltrack.accounts.models import User


@pytest.fixture(autouse=True)
def static_root(settings, tmp_path):
    """The folder of static files, which the server wants to see; import the fixture into a conftest."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STATIC_ROOT.mkdir()


def bearer(user: User, *scopes: str) -> Client:
    raw = tokens.issue(user, name="test", scopes=scopes, by=None, at=clock.now())
    return Client(headers={"Authorization": f"Bearer {raw}"})


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
