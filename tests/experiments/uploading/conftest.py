"""Experiments of which one arm's or both arms' outputs are brought."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.test import Client

from evaltrack import clock
from experiments import registration
from experiments.models import Arm, ComponentVersion, Experiment
from tests.accounts.callers import bearer
from tests.factories import experiments

BROUGHT = {"target": {"kind": "uploaded"}}
SUITE: dict[str, Any] = {"metrics": [{"metric": "exact_match", "role": "gating", "margin": 0.05}]}


class Bringer:
    """A machine that brings outputs through the API."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def opened(self, experiment: Experiment, arm: str, **headers: str):
        return self.client.post(
            "/api/v1/runs",
            {"experiment": experiment.public_id, "arm": arm},
            content_type="application/json",
            headers=headers,
        )

    def run(self, experiment: Experiment, arm: str) -> str:
        answer = self.opened(experiment, arm)
        assert answer.status_code == 201, answer.json()
        return answer.json()["id"]

    def brings(self, run: str, lines: Iterable[dict[str, Any] | bytes], **headers: str):
        raw = b"".join(
            each if isinstance(each, bytes) else json.dumps(each).encode() + b"\n" for each in lines
        )
        return self.client.post(
            f"/api/v1/runs/{run}/outputs", raw, content_type="application/x-ndjson", headers=headers
        )

    def finishes(self, run: str, **body: Any):
        return self.client.post(f"/api/v1/runs/{run}/finish", body, content_type="application/json")


@pytest.fixture
def bringer(ci) -> Bringer:
    return Bringer(bearer(ci, "experiments:submit", "experiments:view"))


@pytest.fixture
def asked(people) -> Callable[..., Experiment]:
    """A submitted experiment, the arms of which are brought unless they are given a base_url."""

    def submit(
        *, candidate: str = "", baseline: str = "", examples: int = 20, tier: str = "standard", suite=SUITE
    ) -> Experiment:
        row = experiments.component(people["owner"], people["platform"], suite=suite)
        golden = experiments.dataset_version(people["custodian"], examples=examples)

        def version(name: str, base_url: str) -> ComponentVersion:
            if base_url:
                return experiments.component_version(row, people["platform"], version=name, base_url=base_url)
            body = {**BROUGHT, "notes": name}
            return registration.register_version(
                row, version=name, body=body, by=people["platform"], at=clock.now()
            )

        new, old = version("v1.1.0", candidate), version("v1.0.0", baseline)
        return Experiment.objects.with_names().get(pk=experiments.asked(new, old, golden, tier=tier).pk)

    return submit


def line(number: int, *, right: bool = True, **more: Any) -> dict[str, Any]:
    """The output for the factory's sum of this number."""
    output = str(number + 1) if right else "I do not know"
    return {"example": f"q{number}", "output": output, "latency_ms": 20, **more}


ARMS = [arm.value for arm in Arm]
