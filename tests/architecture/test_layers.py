"""Imports point down, in the whole house and inside each app; and none hides inside a function."""

from graphlib import TopologicalSorter

import pytest

from tests.architecture.sources import imports, modules

ROOF, ANNOTATION, EXPERIMENTS, DATASETS, NOTIFICATIONS, ACCOUNTS, LEDGER, CELLAR, STONE = range(9, 0, -1)

# The longest prefix that matches decides.
LAYERS = {
    "evaltrack": CELLAR,
    "evaltrack.rendering": CELLAR,
    "evaltrack.urls": ROOF,
    "evaltrack.wsgi": ROOF,
    "evaltrack.settings": ROOF,
    "evaltrack.schedules": ROOF,
    "evaltrack.navigation": ROOF,
    "evaltrack.health": ROOF,
    "evaltrack.scrape": ROOF,
    "evaltrack.reports": ROOF,
    "evaltrack.demo": ROOF,
    "evaltrack.management": ROOF,
    "annotation": ANNOTATION,
    "experiments": EXPERIMENTS,
    "datasets": DATASETS,
    "evaltrack.notifications": NOTIFICATIONS,
    "evaltrack.templatetags": NOTIFICATIONS,
    "evaltrack.api": ACCOUNTS,
    "evaltrack.accounts": ACCOUNTS,
    "evaltrack.ledger": LEDGER,
    "evaltrack.stats": STONE,
}

# Inside an app: views, api, admin, jobs → acts → rows → pure modules.
ENTRANCES = {"views", "api", "api_urls", "admin", "jobs", "urls", "management"}
ROWS = {"models", "querysets"}
# Tables of words that rows are made of.
WORDS = {"roles"}


def layer(module: str) -> int | None:
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (prefix := ".".join(parts[:length])) in LAYERS:
            return LAYERS[prefix]
    return None


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: str(value))
def test_imports_point_down_and_stand_at_the_top(name, path):
    own = layer(name)
    for imported, at_top in imports(path):
        target = layer(imported)
        if target is None:
            continue
        assert target <= own, f"{name} imports {imported}, which lies above it"
        assert at_top, f"{name} imports {imported} inside a function"


@pytest.mark.parametrize("app", ["datasets", "experiments", "annotation", "evaltrack.accounts"])
def test_inside_an_app_acts_do_not_know_who_calls_them(app):
    for name, path in modules():
        inner = name.removeprefix(f"{app}.").split(".")[0] if name.startswith(f"{app}.") else None
        if inner is None or inner in ENTRANCES:
            continue
        for imported, _ in imports(path):
            if imported.startswith(f"{app}."):
                part = imported.removeprefix(f"{app}.").split(".")[0]
                assert part not in ENTRANCES, f"{name} imports {imported}: an entrance"
                if inner in ROWS:
                    assert part in ROWS | WORDS, f"{name} imports {imported}: rows know no acts"


def test_no_modules_import_each_other_in_a_circle():
    names = {name for name, _ in modules()}
    graph = {
        # A package that hands on its modules' names is no circle.
        name: {each for each, _ in imports(path) if each in names and not f"{name}.".startswith(f"{each}.")}
        for name, path in modules()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_layers_would_notice_an_import_that_points_up():
    assert layer("experiments.running.scheduler") < layer("annotation.campaigns")
    assert layer("evaltrack.ledger.record") < layer("evaltrack.accounts.models")
    assert layer("django.db") is None


def test_no_module_is_near_five_hundred_lines():
    long = {name: count for name, path in modules() if (count := len(path.read_text().splitlines())) > 350}
    assert not long, f"two subjects under one roof? {long}"
