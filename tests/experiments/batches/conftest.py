"""Experiments whose arms are asked in batches, and a clock that one can turn."""

from collections.abc import Callable

import pytest
from django.db.models import F

from evaltrack import clock
from experiments import registration
from experiments.batches import looking
from experiments.models import Batch, Experiment
from experiments.running import scheduler
from tests.batch_endpoint import BatchEndpoint, serving_batches
from tests.factories import experiments

SUITE = {"metrics": [{"metric": "exact_match", "role": "gating", "margin": 0.05}]}


@pytest.fixture
def endpoint():
    with serving_batches() as found:
        yield found


@pytest.fixture
def asked(people, impatient, endpoint) -> Callable[..., Experiment]:
    """A planned experiment of which both arms are asked in batches."""

    def submit(examples: int = 10, **target) -> Experiment:
        row = experiments.component(people["owner"], people["platform"], suite=SUITE)
        golden = experiments.dataset_version(people["custodian"], examples=examples)
        made = []
        for version in ("v1.1.0", "v1.0.0"):
            body = {
                "target": {"kind": "batch", "base_url": endpoint.base_url, "model": version, **target},
                "prompt": {"user": "{{ input }}"},
            }
            made.append(
                registration.register_version(
                    row, version=version, body=body, by=people["platform"], at=clock.now()
                )
            )
        experiment = experiments.asked(*made, golden)
        scheduler.drain()
        return again(experiment)

    return submit


def again(experiment: Experiment) -> Experiment:
    return Experiment.objects.with_names().get(pk=experiment.pk)


def look(times: int = 1) -> None:
    """A worker looks at every batch, whenever it was to be looked at next, and however its last look ended."""
    for _ in range(times):
        Batch.objects.update(next_look_at=F("created_at"), lease_token=None, lease_until=None)
        looking.look_at_all()


def to_the_end(endpoint: BatchEndpoint, experiment: Experiment) -> Experiment:
    look()
    endpoint.ends()
    look()
    scheduler.drain()
    return again(experiment)
