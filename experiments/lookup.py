"""Finding a row that a person or machine named, among those that they may see."""

from uuid import UUID

from evaltrack.accounts.models import User
from evaltrack.errors import NotFound
from experiments.models import Component, Experiment, LiveTest, PromotionRequest, Run
from experiments.querysets import owned_or_all


def experiment_named(public_id: str, *, seen_by: User) -> Experiment:
    found = Experiment.objects.visible_to(seen_by).with_names().filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_experiment", f"There is no experiment {public_id} that you may see.")
    return found


def promotion_named(public_id: str, *, seen_by: User) -> PromotionRequest:
    found = PromotionRequest.objects.visible_to(seen_by).with_names().filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_promotion", f"There is no promotion {public_id} that you may see.")
    return found


def component_named(name: str, *, seen_by: User) -> Component:
    seen = Component.objects.visible_to(seen_by).select_related("owner", "policy")
    found = seen.filter(name=name).first()
    if found is None:
        raise NotFound("no_such_component", f"There is no component {name!r} that you may see.")
    return found


def live_test_named(public_id: str, *, seen_by: User) -> LiveTest:
    seen = LiveTest.objects.filter(owned_or_all(seen_by, "component__owner")).select_related(
        "component__owner", "experiment__candidate", "experiment__baseline", "started_by", "ended_by"
    )
    found = seen.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_live_test", f"There is no live test {public_id} that you may see.")
    return found


def run_named(public_id: UUID, *, seen_by: User) -> Run:
    seen = Run.objects.filter(owned_or_all(seen_by, "experiment__component__owner")).select_related(
        "experiment__component__owner",
        "experiment__dataset_version__dataset",
        "version__component",
        "brought_by",
    )
    found = seen.filter(public_id=public_id).first()
    if found is None:
        raise NotFound("no_such_run", f"There is no run {public_id} that you may see.")
    return found
