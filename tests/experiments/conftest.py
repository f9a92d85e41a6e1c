"""What most experiments of these tests start from."""

from collections.abc import Callable

import pytest

from evaltrack.integrations import model_api
from experiments.models import Experiment
from experiments.running import claims, outages, scheduler
from tests.experiments.cluster import workers
from tests.factories import experiments


@pytest.fixture
def people(owner, platform, custodian):
    """Those whom an experiment needs, as the factories take them."""
    return {"owner": owner, "platform": platform, "custodian": custodian}


@pytest.fixture
def impatient(settings, monkeypatch):
    """Back-off and outages last moments, so that a test sees the end of them."""
    settings.DRAIN_SECONDS = 10
    monkeypatch.setattr(claims, "LONGEST_BACK_OFF_S", 0.1)
    monkeypatch.setattr(model_api, "UNTOLD_PAUSE_S", 0.1)
    monkeypatch.setattr(outages, "LONGEST_WAIT_S", 0.3)


@pytest.fixture
def run(people, impatient) -> Callable[..., Experiment]:
    """Submit an experiment against an endpoint and drain the queue."""

    def submit_and_drain(endpoint, **given) -> Experiment:
        experiment = experiments.submitted(**people, base_url=endpoint.base_url, **given)
        scheduler.drain()
        return Experiment.objects.with_names().get(pk=experiment.pk)

    return submit_and_drain


@pytest.fixture
def worker(settings, tmp_path):
    """Starts a worker cluster on this test's database and store; none outlives the test."""
    yield from workers(settings, tmp_path)
