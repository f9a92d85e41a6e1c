"""Many rows written by one statement, each with values of its own."""

import json
import uuid
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from evaltrack import clock
from evaltrack.bulk import insert_rows, update_rows
from experiments.models import Experiment, Output, OutputState, RawReply
from experiments.running import claims, planning
from tests.factories import experiments

pytestmark = pytest.mark.django_db


@pytest.fixture
def held(owner, platform, custodian):
    """Twelve outputs, the first eight held under a token."""
    experiment = experiments.submitted(owner=owner, platform=platform, custodian=custodian, examples=6)
    planning.start(Experiment.objects.with_names().get(pk=experiment.pk), at=clock.now())
    endpoint_of = dict(experiment.runs.values_list("pk", "endpoint_id"))
    token = uuid.uuid4()
    room = dict.fromkeys(endpoint_of.values(), 8)
    taken = claims.claim(experiment, endpoint_of, room, token=token, at=clock.now())
    return experiment, [claimed.id for claimed in taken], token


@pytest.mark.parametrize("text", ["", 'it\'s 100 %s, {0} \\ "quoted"', "naïve 😀 \u2028", "x" * 100_000])
def test_each_row_gets_its_own_values_and_the_common_ones(held, text):
    experiment, ids, token = held
    rows = [(pk, f"{pk} {text}", None if pk % 2 else pk) for pk in ids]
    also = {"state": OutputState.DONE, "outcome": "answered", "finished_at": clock.now(), "lease_token": None}
    also["lease_until"] = None
    assert (
        update_rows(Output, ("id", "text", "input_tokens"), rows, also=also, where={"lease_token": token})
        == 8
    )
    found = Output.objects.filter(pk__in=ids).values_list(
        "pk", "text", "input_tokens", "state", "lease_token"
    )
    assert sorted(found) == [(pk, said, tokens, OutputState.DONE, None) for pk, said, tokens in sorted(rows)]
    assert experiment.outputs.filter(state=OutputState.OPEN, text="").count() == 4


def test_rows_that_somebody_else_holds_are_left_alone(held):
    experiment, ids, _ = held
    rows = [(pk, "mine") for pk in ids]
    assert (
        update_rows(Output, ("id", "text"), rows, also={"error": ""}, where={"lease_token": uuid.uuid4()})
        == 0
    )
    assert not experiment.outputs.exclude(text="").exists()


def test_what_a_constraint_forbids_changes_no_row(held):
    experiment, ids, token = held
    rows = [(pk, "1") for pk in ids]
    with pytest.raises(IntegrityError), transaction.atomic():
        update_rows(Output, ("id", "text"), rows, also={"state": "done"}, where={"lease_token": token})
    assert not experiment.outputs.exclude(text="").exists()


def test_nothing_to_write_asks_the_database_nothing(held, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert update_rows(Output, ("id", "text"), [], also={}, where={}) == 0


# Inserting


def row(run, position, **fields) -> dict[str, Any]:
    return {
        "run_id": run.pk,
        "experiment_id": run.experiment_id,
        "position": position,
        "example_id": f"q{position}",
        "order": position,
        **fields,
    }


@pytest.mark.parametrize("count", [1, 2, 700])
def test_rows_are_inserted_as_the_database_would_have_them(held, count):
    """As `bulk_create` writes them: defaults, nothing, lists, and what only some of them have."""
    run = held[0].runs.first()
    ended = {
        "state": OutputState.DONE,
        "outcome": "answered",
        "finished_at": clock.now(),
        "text": "it's 😀 %s",
    }
    rows = [
        row(run, 1_000 + n, **(ended if n % 3 == 0 else {}), contexts=[["a", n], None, []][n % 3])
        for n in range(count)
    ]
    insert_rows(Output, rows)
    found = list(Output.objects.filter(position__gte=1_000).order_by("position").values())
    Output.objects.filter(position__gte=1_000).delete()
    Output.objects.bulk_create(Output(**each) for each in rows)
    expected = list(Output.objects.filter(position__gte=1_000).order_by("position").values())
    for each in [*found, *expected]:
        del each["id"]
    assert found == expected
    assert len(found) == count


def test_what_equals_in_python_but_not_in_json_is_kept_apart(held):
    run = held[0].runs.first()
    insert_rows(
        Output,
        [row(run, 1_000, contexts=[1]), row(run, 1_001, contexts=[True]), row(run, 1_002, contexts=[1.5])],
    )
    found = Output.objects.filter(position__gte=1_000).order_by("position").values_list("contexts", flat=True)
    assert [json.dumps(contexts) for contexts in found] == ["[1]", "[true]", "[1.5]"]


def test_of_rows_that_a_constraint_forbids_none_is_inserted(held):
    run = held[0].runs.first()
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Output, [row(run, 1_000), row(run, 1_001), row(run, 1_000)])
    assert not Output.objects.filter(position__gte=1_000).exists()


def test_nothing_to_insert_asks_the_database_nothing(held, django_assert_num_queries):
    with django_assert_num_queries(0):
        insert_rows(Output, [])


def test_what_is_there_already_stays_as_it_is(db):
    rows = [
        {"digest": digest * 64, "body": body, "size": len(body), "is_cut": False}
        for digest, body in (("a", b"\x00\xff one"), ("b", b"two"), ("a", b"three"))
    ]
    insert_rows(RawReply, rows[:1], unless_there=True)
    insert_rows(RawReply, rows, unless_there=True)
    found = RawReply.objects.order_by("digest").values_list("digest", "body")
    assert [(digest[0], bytes(body)) for digest, body in found] == [("a", b"\x00\xff one"), ("b", b"two")]
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(RawReply, rows[:1])
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(RawReply, [{**rows[0], "digest": "no digest"}], unless_there=True)
