"""A component of which two versions ran in production, one after the other, and what its gateway sends."""

import datetime as dt
import json

import pytest

from evaltrack import clock
from experiments.models import Component, Deployment
from experiments.production import intake
from tests.factories import experiments

SUITE = {
    "metrics": [
        {"metric": "exact_match", "role": "gating", "margin": 0.1},
        {"metric": "output_tokens", "role": "gating", "margin": 5},
        {"metric": "latency_p95", "role": "secondary"},
    ]
}
REPLACED = dt.timedelta(days=10)


@pytest.fixture
def component(people, approver) -> Component:
    """v1 ran from 40 to 10 days ago, v2 since."""
    row = experiments.component(people["owner"], people["platform"], suite=SUITE)
    golden = experiments.dataset_version(people["custodian"], examples=40)
    v0, v1, v2 = (
        experiments.component_version(row, people["platform"], version=version)
        for version in ("v0", "v1", "v2")
    )
    for pair, shares in ((v1, v0), (0.6, 0.1)), ((v2, v1), (1.0, 0.6)):
        experiments.promoted(*pair, golden, approver=approver, shares=shares, examples=40)
    now = clock.now()
    first, second = Deployment.objects.order_by("pk")
    Deployment.objects.filter(pk=first.pk).update(
        started_at=now - dt.timedelta(days=40), ended_at=now - REPLACED
    )
    Deployment.objects.filter(pk=second.pk).update(started_at=now - REPLACED)
    return row


def lines(*rows: dict) -> list[bytes]:
    return [json.dumps(row).encode() + b"\n" for row in rows]


def answers(
    right: int, wrong: int, *, ago: dt.timedelta, prefix: str = "s", latency_ms: int = 800, tokens: int = 20
) -> list[dict]:
    """So many right and wrong answers, a second apart, the newest so long ago."""
    end = clock.now() - ago
    return [
        {
            "id": f"{prefix}{place}",
            "sampled_at": (end - dt.timedelta(seconds=right + wrong - place)).isoformat(),
            "input": "What is 1 plus 1?",
            "output": "2" if place < right else "3",
            "expected": "2",
            "latency_ms": latency_ms + place,
            "output_tokens": tokens + place % 3,
        }
        for place in range(right + wrong)
    ]


@pytest.fixture
def send(component):
    """Takes in samples as the owner's gateway sends them."""

    def sending(*rows: dict):
        return intake.take(component, lines(*rows), by=component.owner, at=clock.now())

    return sending
