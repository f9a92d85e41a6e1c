"""The gate before release: a task whose text names a system is held until the lead has decided."""

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotation import campaigns, opening, queue
from annotation.blinding import release
from annotation.models import Decision, Flag, Slot, SlotState
from evaltrack import clock
from evaltrack.errors import Conflict, Invalid, NotFound, Refused
from evaltrack.ledger.models import LedgerEntry
from evaltrack.ledger.verification import verify
from experiments import submission
from experiments.models import Output
from tests.annotation.gate.items import HELLO, REASON, item
from tests.factories import annotation as factory
from tests.factories import experiments


def test_what_names_a_system_is_held_with_side_and_order_and_the_rest_is_open(campaign, add, lead):
    added, found = add(item(1), item(2, HELLO), item(3, "Gemini is a sign."), item(4, "Ask system-b."))
    assert (added, found.held, found.mentioned) == (4, 2, 1)
    assert (
        Slot.objects.filter(state=SlotState.REVIEW).count() == Slot.objects.filter(state="open").count() == 4
    )
    assert {(flag.text, flag.kind) for flag in Flag.objects.all()} == {
        ("chatgpt", "self"), ("openai", "self"), ("system-b", "alias"),
    }  # fmt: skip
    assert lead.notifications.filter(subject__startswith="2 tasks held").count() == 1
    before = dict(Slot.objects.values_list("pk", "order_key"))
    release.decide(campaign.pk, decision="accept", text="system-b", by=lead, at=clock.now())
    assert Slot.objects.filter(state=SlotState.REVIEW).count() == 2
    assert dict(Slot.objects.values_list("pk", "order_key")) == before


def test_only_held_tasks_left_is_said_and_no_lie(add, decide, evaluator_one):
    add(item(1, HELLO))
    nothing = queue.claim_next(evaluator_one, at=clock.now())
    assert (nothing.reason, nothing.retry_after_s) == ("paused", queue.RETRY_SECONDS)
    assert "lead's check" in nothing.detail
    decide("accept", text="chatgpt")
    assert factory.next_for(evaluator_one) is None
    decide("accept", text="openai")
    assert factory.next_for(evaluator_one) is not None


def test_a_redaction_is_in_the_ledger_and_keeps_the_original(add, decide, lead):
    add(item(1, HELLO), item(2, HELLO))
    assert decide("redact", text="chatgpt") == 2
    entry = LedgerEntry.objects.get(event="text_redacted")
    assert (entry.actor, entry.content["facts"]["flags"]) == (lead.public_id, 2)
    assert "chatgpt" not in bytes(entry.canonical).decode()
    assert verify().ok
    task = Flag.objects.first().task
    assert HELLO in factory.texts_of(task)


def test_an_exclusion_decides_every_flag_of_its_task_and_says_why(campaign, add, decide):
    add(item(1, HELLO), item(2))
    with pytest.raises(Invalid):
        decide("exclude", text="openai", reason="short")
    assert decide("exclude", text="openai", reason=REASON) == 1
    assert set(Flag.objects.values_list("decision", "reason")) == {("exclude", REASON)}
    assert LedgerEntry.objects.filter(event="task_excluded").count() == 1
    assert Slot.objects.filter(state=SlotState.WITHDRAWN).count() == 2
    campaign.refresh_from_db()
    assert campaign.task_count == 1


def test_what_is_decided_is_decided(add, decide):
    add(item(1, HELLO))
    decide("accept", text="chatgpt")
    flag = Flag.objects.get(text="chatgpt").public_id
    for which in ({"text": "chatgpt"}, {"flag": flag}):
        with pytest.raises(Conflict):
            decide("redact", **which)
    with pytest.raises(NotFound):
        decide("redact", flag=Flag.objects.first().task.public_id)
    with pytest.raises(Invalid):
        decide("forget", text="openai")


def test_only_leads_decide(campaign, add, owner, evaluator_one):
    add(item(1, HELLO))
    for somebody in (owner, evaluator_one):
        with pytest.raises(Refused):
            release.decide(campaign.pk, decision="accept", text="chatgpt", by=somebody, at=clock.now())


def test_a_campaign_does_not_close_over_held_tasks(campaign, add, lead):
    add(item(1, HELLO))
    with pytest.raises(Refused, match="2 judgments are still missing"):
        campaigns.close(campaign.pk, by=lead, at=clock.now())


def test_a_decision_says_who_and_when(add, lead):
    add(item(1, HELLO))
    for part in ({"decision": "accept"}, {"decided_by": lead}, {"reason": REASON}, {"start": 90}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Flag.objects.update(**part)


def test_an_experiments_own_campaign_passes_the_gate(owner, platform, custodian, lead):
    row = experiments.measured(risk="high", owner=owner, platform=platform, custodian=custodian)
    output = Output.objects.filter(experiment=row).first()
    Output.objects.filter(pk=output.pk).update(text=f"The {row.component.name} says 3.")
    Output.objects.filter(experiment=row).exclude(pk=output.pk).update(text="Perhaps 3.")
    campaign = opening.open_campaign(row, at=clock.now())
    held = Flag.objects.filter(task__campaign=campaign)
    in_sample = campaign.tasks.filter(responses__output=output).exists()
    assert [flag.text for flag in held] == [row.component.name] * in_sample
    submission.cancel(row, by=owner, at=clock.now())
    campaigns.close(campaign.pk, by=lead, at=clock.now())
    assert set(campaign.slots.values_list("state", flat=True)) == {"withdrawn"}


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.sampled_from(["Right.", HELLO, "I'm Claude.", "system-a"]), min_size=1, max_size=4),
    acts=st.lists(st.tuples(st.sampled_from(Decision.values), st.integers(0, 9)), max_size=6),
)
def test_nobody_is_ever_given_a_task_with_an_undecided_flag(db, lead, evaluator_one, texts, acts):
    with transaction.atomic():
        campaign = opening.open_stand_alone(name="R", overlap=1, due_at=None, by=lead, at=clock.now())
        lines = (item(number, text) for number, text in enumerate(texts))
        opening.add_items(campaign.pk, lines, by=lead, at=clock.now())
        for decision, place in [*acts, ("accept", 0)]:
            while shown := factory.next_for(evaluator_one):
                assert not Flag.objects.filter(task=shown.task, decision="").exists()
                factory.judge(shown)
            held = Slot.objects.filter(state=SlotState.REVIEW).values("task")
            assert set(held.values_list("task", flat=True)) == set(
                release.undecided(campaign).values_list("task", flat=True)
            )
            if flags := list(release.undecided(campaign)):
                release.decide(
                    campaign.pk, decision=decision, flag=flags[place % len(flags)].public_id,
                    reason=REASON, by=lead, at=clock.now(),
                )  # fmt: skip
        transaction.set_rollback(True)
