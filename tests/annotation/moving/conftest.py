"""A campaign that takes judgments made elsewhere, and files as other tools write them."""

import json

import pytest

from evaltrack.accounts.roles import Permission
from tests.accounts.callers import bearer
from tests.factories import stand_alone

RUBRIC = {
    "name": "translation",
    "question": "Which is better?",
    "guidance": "Compare.",
    "criteria": [{"id": "fluency", "question": "Which is more fluent?"}],
}


@pytest.fixture
def client(lead):
    return bearer(lead, Permission.MANAGE_CAMPAIGNS, Permission.VIEW_CAMPAIGNS)


@pytest.fixture
def alone(lead):
    return stand_alone.campaign(lead, items=0, rubric=RUBRIC)


@pytest.fixture
def send(client, alone):
    """Posts a value as JSON, or bytes as they are."""

    def post(value, query="", *, campaign=None, content_type="application/json", **more):
        row = campaign or alone
        sent = value if isinstance(value, bytes) else json.dumps(value).encode()
        path = f"/api/v1/campaigns/{row.public_id}/judgments{query}"
        return client.post(path, sent, content_type=content_type, **more)

    return post
