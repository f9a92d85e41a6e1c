"""Pure modules load without Django: a notebook or a CI client can use them."""

import os
import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT, modules

PURE = [
    *(name for name, _ in modules() if name.startswith("evaltrack.stats")),
    *(name for name, _ in modules() if name.startswith("evaltrack.rendering")),
    *(name for name, _ in modules() if name.startswith("experiments.metrics")),
    *(name for name, _ in modules() if name.startswith("experiments.targets")),
    *(name for name, _ in modules() if name.startswith("evaltrack.media")),
    *(name for name, _ in modules() if name.startswith("annotation.formats")),
    *(name for name, _ in modules() if name.startswith("annotation.protocols")),
    "annotation.agreement.heat",
    "annotation.agreement.remembered",
    "annotation.agreement.tally",
    "annotation.answers",
    "annotation.attached",
    "annotation.blinding.sides",
    "annotation.blinding.untold",
    "annotation.estimate",
    "annotation.items",
    "annotation.onboarding.requirements",
    "annotation.quality.behaviour",
    "annotation.quality.gold_rule",
    "annotation.quality.origins",
    "annotation.quality.signals",
    "annotation.rubric_text",
    "annotation.rubrics",
    "annotation.settling.disagreement",
    "annotation.sla.calendars",
    "annotation.sla.forecast",
    "annotation.sla.rules",
    "annotation.turns",
    "datasets.examples",
    "datasets.sampling",
    "evaltrack.accounts.hours",
    "evaltrack.accounts.languages",
    "evaltrack.canonical",
    "evaltrack.demo.assistant",
    "evaltrack.demo.retrieval",
    "evaltrack.durations",
    "evaltrack.errors",
    "evaltrack.fields",
    "evaltrack.integrations.replies",
    "evaltrack.json_stream",
    "evaltrack.ledger.merkle",
    "evaltrack.notifications.payloads",
    "evaltrack.notifications.timing",
    "evaltrack.openmetrics",
    "evaltrack.wording",
    "experiments.comparison",
    "experiments.gaps",
    "experiments.gates",
    "experiments.judging.asked",
    "experiments.judging.forms",
    "experiments.judging.material",
    "experiments.judging.prompts",
    "experiments.judging.questions",
    "experiments.judging.replies",
    "experiments.judging.sums",
    "experiments.planner.answers",
    "experiments.planner.questions",
    "experiments.planner.words",
    "experiments.production.samples",
    "experiments.production.sums",
    "experiments.production.traces",
    "experiments.running.retries",
    "experiments.scorers.base",
    "experiments.series.openmetrics",
    "experiments.slices",
    "experiments.stopping",
    "experiments.suite",
    "experiments.uploading.collected",
    "experiments.uploading.lines",
]

PROBE = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
loaded = sorted(name for name in sys.modules if name.split(".")[0] == "django")
sys.exit(f"django came in: {loaded[:3]}" if loaded else 0)
"""


def test_all_pure_modules_load_without_django():
    done = subprocess.run([sys.executable, "-c", PROBE, *PURE], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_probe_notices_django():
    command = [sys.executable, "-c", PROBE, "evaltrack.clock"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode != 0


@pytest.mark.parametrize("library", ["ragas", "deepeval", "mlflow", "torch"])
def test_the_web_process_loads_no_heavy_metric_library(library):
    probe = "import django, sys; django.setup(); import evaltrack.urls; sys.exit(sys.argv[1] in sys.modules)"
    command = [sys.executable, "-c", probe, library]
    assert subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True).returncode == 0


def environment() -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "evaltrack.settings"}
