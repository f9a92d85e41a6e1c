"""A campaign of its own, due before all others, and evaluators who have not judged yet."""

import json
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any

from tests.browser.conftest import call

ITEMS = 30
PEOPLE = 90
RUBRIC = {
    "name": "Careful",
    "question": "Which response serves better?",
    "guidance": "Judge what is said, **not how long** it is.",
    "strength": True,
    "rationale": ["both_bad"],
    "criteria": [
        {"id": "correct", "question": "Which is more correct?", "anchors": "By the help pages of the shop."},
        {"id": "kind", "question": "Which is kinder?"},
    ],
    "examples": [
        {
            "prompt": "Can I return boots?",
            "responses": ["Yes, within 60 days.", "Perhaps."],
            "answer": "1",
            "why": "It answers the question.",
        }
    ],
}
TEXTS = [
    "You can return anything within **60 days**:\n\n1. Open your order.\n2. Press *Return*.\n3. Print the label.",
    "Returns are possible. `Order → Return` is the way; the money is back after 5 days.",
]


@dataclass
class World:
    """The campaigns, the lead's session, and evaluators who have not judged yet."""

    demo: Any
    campaign: str
    rich: str
    names: list[str] = field(default_factory=lambda: [f"judge{n:02d}" for n in range(1, PEOPLE + 1)])

    def someone(self) -> str:
        return self.names.pop()


SET_UP = """
import json
from django.test import Client
from evaltrack import clock
from evaltrack.accounts import grants
from evaltrack.accounts.roles import Role
from evaltrack.demo import seed
at = clock.now()
sessions = dict()
for name in {names!r}:
    person = seed.person(name, Role.EVALUATOR, at=at)
    grants.accept_agreement(person, at=at)
    client = Client()
    client.force_login(person)
    sessions[name] = client.cookies["sessionid"].value
print(json.dumps(sessions))
"""
# Nobody is asked any more: the walks have the queue for themselves.
TAKE_DOWN = """
from annotation import assignment
from annotation.models import Slot
from evaltrack import clock
assignment.withdraw(Slot.objects.filter(campaign__public_id__in={campaigns!r}), at=clock.now())
"""


def add_items(demo, campaign: str, count: int) -> None:
    lines = [
        {
            "item": f"q{number}",
            "prompt": f"How do I return article {number}?",
            "responses": [{"source": f"system-{place}", "text": text} for place, text in enumerate(TEXTS)],
        }
        for number in range(count)
    ]
    request = urllib.request.Request(
        f"{demo.url}/api/v1/campaigns/{campaign}/tasks",
        data="".join(f"{json.dumps(line)}\n" for line in lines).encode(),
        headers={
            "Authorization": f"Bearer {demo.token}",
            "Content-Type": "application/x-ndjson",
            "Idempotency-Key": str(uuid.uuid4()),
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        assert json.load(response)["added"] == count


def open_campaign(demo, *, overlap: int, hours: float, **more: Any) -> str:
    body = {
        "name": "Return policy",
        "protocol": "pairwise",
        "overlap": overlap,
        "due_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + hours * 3600)),
    } | more
    return call(demo, "campaigns", body, key=str(uuid.uuid4()))["id"]
