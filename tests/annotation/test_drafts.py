"""What somebody has typed so far is kept on the server too."""

import json

import pytest

from annotation import presenters
from annotation.models import Draft
from tests.accounts.callers import signed_in
from tests.factories import annotation as factory


@pytest.fixture
def shown(campaign, evaluator_one):
    return factory.next_for(evaluator_one)


def send(shown, body, by=None):
    return signed_in(by or shown.evaluator).post(
        f"/review/{shown.public_id}/draft/",
        body if isinstance(body, str) else json.dumps(body),
        content_type="application/json",
    )


def test_the_newest_draft_comes_back_with_the_task(shown):
    send(shown, {"comment": "It", "preference": "1"})
    assert send(shown, {"comment": "It cites", "preference": "2"}).status_code == 200
    assert presenters.screen(shown).draft == {"comment": "It cites", "preference": "2"}
    assert Draft.objects.count() == 1


@pytest.mark.parametrize(
    "body", ["", "[]", "not json", {"model": "x"}, {"comment": "x" * 30_000}, "[" * 100_000]
)
def test_what_is_no_draft_is_refused(shown, body):
    assert send(shown, body).status_code == 400
    assert not Draft.objects.exists()


def test_nobody_writes_somebody_elses_draft(shown, evaluator_two):
    assert send(shown, {"comment": "mine"}, by=evaluator_two).status_code == 403


def test_what_has_ended_takes_no_draft(shown):
    factory.judge(shown)
    assert send(shown, {"comment": "late"}).status_code == 409
