"""What must hold for every row is in the database, found here by looking at the models."""

import pytest
from django.apps import apps
from django.db import models

OURS = {"accounts", "ledger", "notifications", "datasets", "experiments", "annotation"}
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]
# Free lists: a stratum, a unit and the like are data, not states.
STATES = {
    "status",
    "state",
    "outcome",
    "role",
    "tier",
    "lane",
    "arm",
    "risk",
    "kind",
    "environment",
    "choice",
}


def checked_columns(model: type[models.Model]) -> set[str]:
    columns: set[str] = set()
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.CheckConstraint):
            columns |= named_in(constraint.condition)
    return columns


def named_in(condition: models.Q) -> set[str]:
    found: set[str] = set()
    for child in condition.children:
        found |= named_in(child) if isinstance(child, models.Q) else {child[0].partition("__")[0]}
    return found


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_choice_is_known_to_the_database(model):
    checked = checked_columns(model)
    for field in model._meta.concrete_fields:
        if field.choices and field.name in STATES:
            assert field.name in checked, f"{model.__name__}.{field.name} has no check constraint"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_time_that_may_be_missing_is_tied_to_the_person_who_set_it(model):
    names = {field.name: field for field in model._meta.concrete_fields}
    checked = checked_columns(model)
    for name, field in names.items():
        person = name.removesuffix("_at") + "_by"
        if name.endswith("_at") and field.null and person in names:
            assert {name, person} <= checked, f"{model.__name__}: {name} and {person} are not tied together"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nothing_that_others_rest_on_is_deleted_with_what_it_points_to(model):
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey):
            cascades = field.remote_field.on_delete is models.CASCADE
            assert not cascades or model._meta.label in {
                "accounts.IdempotentRequest",
                "annotation.Draft",
                "notifications.Notification",
            }, f"{model.__name__}.{field.name} cascades"


def test_constraints_are_named_like_sentences():
    for model in MODELS:
        for constraint in model._meta.constraints:
            assert "_" in constraint.name
            assert constraint.name == constraint.name.lower()
