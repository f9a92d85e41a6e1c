"""Ragas, DeepEval and Hugging Face's `datasets` never enter our processes: their name is ours here."""

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT, imports, modules

FOREIGN = ("deepeval", "langchain", "langchain_core", "ragas")
SCRIPTS = "experiments.scorers.workers"
OURS = [name for name, _ in modules() if not name.startswith(SCRIPTS)]
# `manage.py runserver`, gunicorn and the workers of django-q load these, and what urls and jobs name.
PROBE = """
import importlib, json, sys
import django
django.setup()
for name in sys.argv[1:]:
    importlib.import_module(name)
import django_q.cluster, django_q.worker
from django.urls import get_resolver
get_resolver().url_patterns
import datasets
print(json.dumps({"loaded": sorted({name.partition(".")[0] for name in sys.modules}), "datasets": datasets.__file__}))
"""


def test_neither_the_web_process_nor_a_worker_loads_them_whatever_it_imports(tmp_path):
    """All our modules in one fresh process, with libraries of these names on the path that would be found."""
    for name in (*FOREIGN, "datasets"):
        (tmp_path / f"{name}.py").write_text("THEIRS = True\n")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)]),
        "DJANGO_SETTINGS_MODULE": "evaltrack.settings",
    }
    names = [name for name in OURS if name not in {"evaltrack.settings", "evaltrack.asgi"}]
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *names],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = json.loads(ran.stdout.splitlines()[-1])
    assert not set(FOREIGN) & set(found["loaded"])
    assert found["datasets"] == str(ROOT / "datasets" / "__init__.py")


@pytest.mark.parametrize(("name", "path"), list(modules()), ids=lambda value: str(value))
def test_only_scripts_for_other_interpreters_name_them(name, path):
    named = {imported.partition(".")[0] for imported, _ in imports(path)}
    if name.startswith(SCRIPTS):
        ours = {"annotation", "datasets", "evaltrack", "experiments"}
        assert not named & ours, f"{name} runs where there is nothing of ours"
    else:
        assert not named & set(FOREIGN)
        assert not [each for each, _ in imports(path) if each.startswith(SCRIPTS)]
