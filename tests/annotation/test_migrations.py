"""Rows of before: what was one bit is a row of places, and each judgment names its rubric."""

from evaltrack import clock

BEFORE = [("annotation", "0005_overlap")]
AFTER = [("annotation", "0007_rubric_revision")]


def test_judgments_keep_where_responses_stood_and_get_the_rubric_of_their_campaign(empty_database):
    given = rows_of_before(empty_database(BEFORE))
    judgment = empty_database(AFTER).get_model("annotation", "Judgment")
    rows = judgment.objects.order_by("pk").values_list("places", "slot__places", "rubric__name")
    assert list(rows) == [("01", "01", "old"), ("10", "10", "old")]
    before = empty_database(BEFORE).get_model("annotation", "Judgment")
    assert list(before.objects.order_by("pk").values_list("first_on_slot_1", flat=True)) == given


def rows_of_before(apps):
    def create(model, app="annotation", **columns):
        return apps.get_model(app, model).objects.create(**columns)

    at, sides = clock.now(), [True, False]
    rubric = create("Rubric", name="old", version=1, question="?", guidance="-")
    campaign = create(
        "Campaign", name="old", rubric=rubric, overlap=2, seed="s", due_at=at, opened_at=at, task_count=1
    )
    task = create("Task", campaign=campaign, item="i", key="k", group="g", prompt="p", due_at=at)
    for ordinal, first in enumerate(sides):
        user = create("User", app="accounts", username=f"person {ordinal}", pseudonym=f"R-{ordinal}")
        slot = create(
            "Slot", task=task, campaign=campaign, ordinal=ordinal, order_key=ordinal, first_on_slot_1=first,
            due_at=at, state="done", holder=user,
        )  # fmt: skip
        assignment = create(
            "Assignment", slot=slot, campaign=campaign, task=task, evaluator=user, state="submitted",
            claimed_at=at, shown_at=at, lease_expires_at=at, ended_at=at,
        )  # fmt: skip
        create(
            "Judgment", public_id=assignment.judgment_id, assignment=assignment, slot=slot, campaign=campaign,
            task=task, evaluator=user, choice="first", first_on_slot_1=first, wall_ms=1, submitted_at=at,
            state="final", settled_at=at,
        )  # fmt: skip
    return sides
