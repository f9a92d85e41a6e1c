"""Two adjudicators, a revision, a closing and an exclusion at the same moment, on PostgreSQL."""

import threading

import pytest
from django.db import transaction

from annotation import campaigns, judging, revision
from annotation.models import Adjudication, Campaign, Hearing, Judgment
from annotation.queue import NothingToDo
from annotation.settling import conflicts, hearings
from evaltrack import clock
from evaltrack.accounts.models import User
from evaltrack.accounts.roles import Role
from evaltrack.errors import Conflict, Gone
from evaltrack.ledger.models import LedgerEntry
from tests.annotation.together import together, wait_until_blocked
from tests.conftest import person, signed
from tests.factories import annotation as factory
from tests.factories import settling

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
WORDING = {"question": "Which answer solves the problem?", "guidance": "Solve it. Length is no merit."}


@pytest.fixture
def cast(transactional_db, lead, both):
    """Twelve conflicts, and four senior evaluators."""
    campaign = factory.stand_alone("pairwise", lead=lead, items=12)
    settling.disagree(campaign, *both)
    names = [f"senior{number}" for number in range(4)]
    for name in names:
        settling.senior(signed(person(name, Role.EVALUATOR)), lead=lead)
    return campaign, names


def settles_until_done(name):
    def settling_on():
        evaluator, last = User.objects.get(username=name), ""
        for _ in range(500):
            found = hearings.claim_next(evaluator, at=clock.now())
            if not isinstance(found, NothingToDo):
                settling.settle(found)
            elif found.reason != "leased_elsewhere":
                last = found.reason
                break
        return last

    return settling_on


def test_four_settle_everything_once(cast):
    _, names = cast
    assert together(*map(settles_until_done, names)) == ["all_done"] * 4
    assert Adjudication.objects.filter(state="standing").count() == 12
    assert Adjudication.objects.count() == 12
    assert len(set(Adjudication.objects.values_list("task", flat=True))) == 12
    assert LedgerEntry.objects.filter(event="task_adjudicated").count() == 12
    assert not Hearing.objects.filter(state="held").exists()


def test_one_person_in_two_windows_has_one_conflict(cast):
    _, names = cast

    def claim():
        return hearings.claim_next(User.objects.get(username=names[0]), at=clock.now())

    found = together(*[claim] * 4)
    held = Hearing.objects.filter(state="held")
    assert held.count() == 1
    assert set(found) == {held.get()}


def test_a_double_click_settles_once(cast):
    _, names = cast
    shown = settling.next_conflict(User.objects.get(username=names[0]))
    stored = together(*[lambda: settling.settle(shown, preference=1)] * 6)
    assert len({each.pk for each in stored}) == 1
    assert LedgerEntry.objects.filter(event="task_adjudicated").count() == 1


def meanwhile(act, other):
    """`act` holds the campaign; `other` comes, waits for it, and goes on when it is done; what came of it."""
    found = []

    def run():
        try:
            found.append(other())
        except Exception as error:  # noqa: BLE001  the test looks at it
            found.append(error)
        finally:
            transaction.get_connection().close()

    thread = threading.Thread(target=run)
    with transaction.atomic():
        act()
        thread.start()
        wait_until_blocked()
    thread.join(60)
    return found[0]


def test_a_revision_that_asks_again_is_waited_for_and_then_there_is_nothing_to_settle(cast, lead):
    campaign, names = cast
    shown = settling.next_conflict(User.objects.get(username=names[0]))

    def revise():
        revision.revise(
            campaign.pk, rubric=WORDING, asks_again=True, by=lead, reason="It was unclear.", at=clock.now()
        )

    came = meanwhile(revise, lambda: settling.settle(shown, rubric_version=2))
    assert isinstance(came, Gone)
    assert not Adjudication.objects.exists()


def test_a_revision_that_comes_after_supersedes_what_was_settled(cast, lead):
    campaign, names = cast
    shown = settling.next_conflict(User.objects.get(username=names[0]))

    def revise():
        return revision.revise(
            campaign.pk, rubric=WORDING, asks_again=True, by=lead, reason="It was unclear.", at=clock.now()
        )

    came = meanwhile(lambda: settling.settle(shown), revise)
    assert isinstance(came, Campaign)
    assert Adjudication.objects.get().state == "superseded"


def test_a_revision_without_asking_again_is_read_first(cast, lead):
    campaign, names = cast
    shown = settling.next_conflict(User.objects.get(username=names[0]))

    def revise():
        revision.revise(
            campaign.pk, rubric=WORDING, asks_again=False, by=lead, reason="It was unclear.", at=clock.now()
        )

    came = meanwhile(revise, lambda: settling.settle(shown))
    assert isinstance(came, Conflict)
    assert came.code == "rubric_changed"


def test_closing_and_settling_wait_for_each_other_and_both_are_done(cast, lead):
    campaign, names = cast
    shown = settling.next_conflict(User.objects.get(username=names[0]))
    came = meanwhile(
        lambda: campaigns.close(campaign.pk, by=lead, at=clock.now()), lambda: settling.settle(shown)
    )
    assert came.state == "standing"
    campaign.refresh_from_db()
    assert campaign.status == "closed"


def test_an_undo_in_the_last_moment_and_a_claim_do_not_both_win(cast, both, settings):
    """What is settled is what was said to the end."""
    campaign, names = cast
    judgment = Judgment.objects.order_by("submitted_at").last()
    # Nobody can undo it at the moment of the claim; the undo has begun before.
    at = judgment.submitted_at
    Judgment.objects.exclude(task=judgment.task).update(state="surplus", settled_at=clock.now())

    def undo():
        return judging.undo(judgment.public_id, by=judgment.evaluator, at=at)

    def claim():
        return hearings.claim_next(User.objects.get(username=names[0]), at=clock.now())

    for _ in range(5):
        came = together(undo, claim)
        undone = not isinstance(came[0], Exception)
        heard = isinstance(came[1], Hearing)
        assert not (undone and heard), came
        if undone:
            break
    assert len(conflicts.waiting(campaign, at=clock.now())) == (0 if undone else 1)
