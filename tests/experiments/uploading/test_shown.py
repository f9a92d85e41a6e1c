"""Contexts and citations beside the answers: written by others, and shown as such."""

import json

import pytest

from evaltrack import clock
from experiments.models import Experiment, Output
from experiments.running import scheduler
from tests.accounts.callers import signed_in
from tests.experiments.uploading.conftest import ARMS, line
from tests.factories import experiments

HOSTILE = '<script>alert(1)</script> <img src="http://evil.invalid/x"> [x](javascript:alert(1)) \u202etxt'


@pytest.fixture
def concluded(bringer, asked, impatient) -> Experiment:
    """Both arms were brought; every line has a context and a citation that mean harm."""
    experiment = asked()
    for arm in ARMS:
        run = bringer.run(experiment, arm)
        told = {"contexts": [HOSTILE, "plain"], "citations": [HOSTILE]}
        bringer.brings(run, [line(n, right=arm == "baseline" or n > 9, **told) for n in range(20)])
        bringer.finishes(run)
    scheduler.drain()
    return Experiment.objects.with_names().get(pk=experiment.pk)


@pytest.mark.parametrize("address", ["examples/?group=worse", ""])
def test_contexts_and_citations_are_escaped(concluded, owner, address):
    htmx = {"HX-Request": "true"} if not address else {}
    path = f"{concluded.get_absolute_url()}{address or 'examples/'}"
    shown = signed_in(owner).get(path, headers=htmx).content.decode()
    assert "2 contexts" in shown
    assert "1 citation<" in shown
    assert "<script>alert" not in shown
    assert "evil.invalid" in shown
    assert "<img" not in shown
    assert "\u202e" not in shown
    assert 'href="javascript:' not in shown


def test_outputs_are_given_in_the_lines_in_which_they_would_be_brought(concluded, bringer, asked):
    run = concluded.runs.get(arm="candidate")
    answer = bringer.client.get(f"/api/v1/runs/{run.public_id}/outputs")
    lines = b"".join(answer.streaming_content).splitlines()
    assert json.loads(lines[3]) == line(3, right=False, contexts=[HOSTILE, "plain"], citations=[HOSTILE])
    # They may be sent back: every one of them is known.
    sent = [each + b"\n" for each in lines]
    assert bringer.brings(str(run.public_id), sent).json() == {"new": 0, "known": 20, "missing": 0}


def test_a_failed_call_is_given_with_its_error(bringer, asked):
    run = bringer.run(asked(), "candidate")
    bringer.brings(run, [{"example": "q0", "error": "timeout"}, {"example": "q1", "output": ""}])
    answer = bringer.client.get(f"/api/v1/runs/{run}/outputs")
    found = [json.loads(each) for each in b"".join(answer.streaming_content).splitlines()]
    assert found == [{"example": "q0", "error": "timeout"}, {"example": "q1", "output": ""}]


def test_outputs_of_a_sealed_version_are_for_its_custodian(people, bringer):
    experiment = experiments.measured(**people)
    type(experiment.dataset_version).objects.filter(pk=experiment.dataset_version_id).update(looks_allowed=3)
    run = experiment.runs.first()
    answer = bringer.client.get(f"/api/v1/runs/{run.public_id}/outputs")
    assert (answer.status_code, answer.json()["code"]) == (403, "sealed")
    assert Output.objects.filter(run=run, finished_at__lte=clock.now()).exists()
