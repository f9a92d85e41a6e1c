"""One example, whole: the page says what was sent, and proves it or says that it cannot."""

import html
import json
import re

import pytest

from evaltrack.accounts.roles import Role
from experiments import exchanges
from experiments.models import ComponentVersion
from tests.accounts.callers import signed_in
from tests.conftest import person
from tests.endpoint import adds, serve
from tests.experiments.test_sealed import experiment as sealed  # noqa: F401  a fixture
from tests.factories import experiments

pytestmark = pytest.mark.django_db


@pytest.fixture
def measured(run):
    """An experiment that asked a real endpoint, and the bodies that came there."""
    bodies = []

    def heard(call):
        bodies.append(call.body)
        return adds(call)

    with serve(heard) as endpoint:
        return run(endpoint, examples=10), bodies


@pytest.fixture
def look(people):
    def get(experiment, example, who=None):
        return signed_in(who or people["owner"]).get(
            f"/experiments/{experiment.public_id}/example/", {"id": example}
        )

    return get


def test_what_the_page_says_was_sent_is_what_came_to_the_endpoint(measured, look):
    experiment, bodies = measured
    answer = look(experiment, "q4")
    assert answer.status_code == 200
    page = answer.content.decode()
    shown = [
        json.loads(html.unescape(each)) for each in re.findall(r"<pre [^>]*>(.*?)</pre>", page, re.DOTALL)
    ]
    assert [each["model"] for each in shown] == ["v1.0.0", "v1.1.0"]
    assert all(each in bodies for each in shown)
    assert page.count("its digest is the one that was recorded") == 2


def test_what_was_sent_otherwise_is_not_passed_off_as_what_was_sent(measured, look):
    experiment, _ = measured
    version = experiment.candidate
    changed = {**version.configuration, "prompt": {"user": "Another prompt: {{ input }}"}}
    ComponentVersion.objects.filter(pk=version.pk).update(configuration=changed)
    page = look(experiment, "q4").content.decode()
    assert page.count("Not what was sent:") == 1
    assert page.count("its digest is the one that was recorded") == 1


def test_every_repeat_has_its_place(run, look):
    with serve(adds) as endpoint:
        experiment = run(endpoint, examples=10, suite={**experiments.SUITE, "repeats": 3})
    names = re.findall(r'<h2 id="output-\d+">(.*?)</h2>', look(experiment, "q4").content.decode())
    assert names == [f"{arm}, repeat {n}" for arm in ("Baseline", "Candidate") for n in (1, 2, 3)]


def test_who_may_not_read_the_dataset_sees_the_answers_alone(measured, look):
    experiment, _ = measured
    page = look(experiment, "q4", who=person("decides", Role.APPROVER)).content.decode()
    assert "Model that answered" in page
    assert "plus 1" not in page
    assert "What was sent" not in page
    assert "shown to who may read" in page


def test_an_example_that_was_not_asked_about_does_not_exist(measured, look):
    experiment, _ = measured
    assert look(experiment, "q99").status_code == 404
    assert look(experiment, "").status_code == 404


def test_of_a_sealed_dataset_nobody_but_its_custodian_sees_one(sealed, look):  # noqa: F811
    assert look(sealed, "q1").status_code == 403


def test_what_was_brought_was_asked_by_nobody_here(people):
    experiment = experiments.measured(**people)
    ComponentVersion.objects.filter(pk=experiment.candidate_id).update(
        configuration={"target": {"kind": "uploaded"}}
    )
    whole = exchanges.of_example(experiment, "q1", reads_examples=True)
    assert [bool(each.request) for each in whole.exchanges] == [True, False]
