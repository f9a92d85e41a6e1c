"""Metrics of installed distributions: found by entry point, named after it, and never able to break the site."""

import json
import os
import subprocess
import sys
from importlib.metadata import distributions

import pytest

from evaltrack.errors import ExpectedError, Invalid
from evaltrack.stats.estimate import Undefined
from experiments import checks, suite
from experiments.metrics import REGISTRY, RESERVED, plugins
from experiments.metrics.base import Answered
from experiments.metrics.registry import Registry
from experiments.recomputation import recompute
from tests.architecture.sources import ROOT
from tests.factories import experiments

GOOD = """
from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Direction, Kind, Metric

def shared(answered):
    if answered.expected is None:
        return Undefined("the example has no reference answer")
    ours, theirs = set(answered.said.split()), set(str(answered.expected).split())
    return len(ours & theirs) / len(ours | theirs)

METRICS = [Metric("shared_words", Kind.CONTINUOUS, Direction.HIGHER, "Shared words.", shared, missing=0.0)]
"""


def installed(folder, name="acme-metrics", version="0.3.1", entry="acme = acme_metrics:METRICS", source=GOOD):
    """A distribution as an installer leaves it on the path."""
    module = name.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[evaltrack.metrics]\n{entry}\n")
    (folder / f"{module}.py").write_text(source)


@pytest.fixture
def load(tmp_path, monkeypatch):
    """What is found of distributions in a folder."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def found():
        offered = [each for dist in distributions(path=[str(tmp_path)]) for each in dist.entry_points]
        return plugins.load(RESERVED, offered)

    yield found
    for name in [name for name in sys.modules if name.startswith(("acme", "other_metrics"))]:
        del sys.modules[name]


def offering(metric: str) -> str:
    return GOOD + f"\nMETRICS = {metric}\n"


def asked(found, text, expected="a b"):
    return found.metrics["acme:shared_words"].of(Answered(input="?", expected=expected, text=text))


def test_an_installed_distribution_gives_metrics_under_the_name_of_its_entry_point(tmp_path, load):
    installed(tmp_path)
    found = load()
    assert not found.problems
    assert list(found.metrics) == ["acme:shared_words"]
    assert found.metrics["acme:shared_words"].version == "1 (acme-metrics 0.3.1)"
    assert asked(found, "a b c d") == 0.5
    assert asked(found, None) == 0.0
    assert asked(found, "a", None) == Undefined("the example has no reference answer")


@pytest.mark.parametrize(
    ("source", "entry", "says"),
    [
        ("import no_such_module_anywhere", "acme = acme_metrics:METRICS", "ModuleNotFoundError"),
        ("raise SystemExit(3)", "acme = acme_metrics:METRICS", "SystemExit"),
        ("METRICS = 1 / 0", "acme = acme_metrics:METRICS", "ZeroDivisionError"),
        (GOOD, "acme = acme_metrics:NOTHING", "AttributeError"),
        (offering("[]"), "acme = acme_metrics:METRICS", "no list of them"),
        (offering("['accuracy']"), "acme = acme_metrics:METRICS", "no Metric"),
        (offering("METRICS * 2"), "acme = acme_metrics:METRICS", "same name"),
        (GOOD.replace('"shared_words"', '"Shared words"'), "acme = acme_metrics:METRICS", "small letters"),
        (GOOD.replace("Kind.CONTINUOUS", "'good'"), "acme = acme_metrics:METRICS", "no kind"),
        (GOOD.replace("missing=0.0", "of_run=list"), "acme = acme_metrics:METRICS", "needs together"),
        (GOOD, "ragas = acme_metrics:METRICS", "evaltrack uses itself"),
        (GOOD, "Acme = acme_metrics:METRICS", "a name such as acme"),
    ],
)
def test_what_is_broken_is_left_out_and_said(tmp_path, load, source, entry, says):
    installed(tmp_path, source=source, entry=entry)
    installed(tmp_path, name="other-metrics", entry="other = other_metrics:METRICS")
    found = load()
    assert list(found.metrics) == ["other:shared_words"]
    [problem] = found.problems
    assert problem.sentence.startswith("acme-metrics 0.3.1: ")
    assert says in problem.sentence


def test_of_two_with_the_same_entry_point_one_is_used_and_the_other_named(tmp_path, load):
    installed(tmp_path)
    installed(tmp_path, name="other-metrics", entry="acme = other_metrics:METRICS")
    found = load()
    assert found.metrics["acme:shared_words"].version == "1 (acme-metrics 0.3.1)"
    assert "other-metrics 0.3.1: acme-metrics 0.3.1 has the same entry point" in found.problems[0].sentence


@pytest.mark.parametrize(
    ("returns", "reason"),
    [
        ("float('nan')", "the plug-in gave no finite number"),
        ("1 / 0", "the plug-in failed (ZeroDivisionError)"),
        ("None", "the plug-in failed (TypeError)"),
    ],
)
def test_one_answer_that_a_plug_in_cannot_read_is_a_reason_and_no_crash(tmp_path, load, returns, reason):
    installed(tmp_path, source=GOOD.replace("len(ours & theirs) / len(ours | theirs)", returns))
    assert asked(load(), "a") == Undefined(reason)


LONGEST = """
def longest(lengths):
    return [length / max(lengths) for length in lengths]


METRICS = [
    Metric(
        "of_the_longest",
        Kind.CONTINUOUS,
        Direction.HIGHER,
        "Length as a share of the longest answer's.",
        together=lambda several: [Undefined("empty") if not each.said else len(each.said) for each in several],
        of_run=longest,
    )
]
"""


def of_the_longest(tmp_path, load, source=LONGEST):
    start = "from evaltrack.stats.estimate import Undefined\n"
    start += "from experiments.metrics.base import Direction, Kind, Metric\n"
    installed(tmp_path, source=start + source)
    found = load()
    assert not found.problems, found.problems[0].sentence
    several = [Answered("?", None, text) for text in ("ab", "", "abcd")]
    return found.metrics["acme:of_the_longest"].of_all(several)


def test_a_plug_in_may_be_of_a_whole_run(tmp_path, load):
    assert of_the_longest(tmp_path, load) == [0.5, Undefined("empty"), 1.0]


@pytest.mark.parametrize(
    ("right", "wrong", "reason"),
    [
        ("length / max(lengths)", "length / 0", "the plug-in failed (ZeroDivisionError)"),
        ("length / max(lengths)", "'long'", "the plug-in failed (ValueError)"),
        ("for length in lengths", "for length in lengths[:1]", "the plug-in gave more or fewer values"),
    ],
)
def test_where_it_fails_on_a_run_each_answer_that_counts_has_the_reason(tmp_path, load, right, wrong, reason):
    found = of_the_longest(tmp_path, load, LONGEST.replace(right, wrong))
    assert found[1] == Undefined("empty")
    assert [each.reason[: len(reason)] for each in (found[0], found[2])] == [reason, reason]


def test_a_suite_that_names_what_is_not_there_is_told_what_to_do(monkeypatch):
    broken = Registry(REGISTRY.values(), [plugins.Problem("acme", "acme-metrics 0.3.1: ImportError: torch")])
    monkeypatch.setattr(suite.parts, "REGISTRY", broken)
    with pytest.raises(Invalid, match=r"could not be used: acme-metrics 0.3.1: ImportError: torch"):
        suite.parse({"metrics": [{"metric": "acme:shared_words"}]})
    with pytest.raises(Invalid, match="no installed distribution has an entry point 'nobody'"):
        suite.parse({"metrics": [{"metric": "nobody:knows"}]})
    with pytest.raises(Invalid, match="is unknown; known are accuracy"):
        suite.parse({"metrics": [{"metric": "no_such_metric"}]})
    with pytest.raises(ExpectedError, match="could not be used"):
        broken["acme:shared_words"]


def test_the_check_names_what_was_left_out(monkeypatch):
    assert checks.plugins_load() == []
    monkeypatch.setattr(REGISTRY, "problems", [plugins.Problem("acme", "acme-metrics 0.3.1: no")])
    [warning] = checks.plugins_load()
    assert (warning.id, "acme-metrics 0.3.1: no" in warning.msg) == ("experiments.W001", True)


def test_a_plan_locks_the_distribution_and_another_version_of_it_is_told(people, tmp_path, load, monkeypatch):
    installed(tmp_path)
    for name, metric in load().metrics.items():
        monkeypatch.setitem(REGISTRY, name, metric)
    rules = {"metrics": [{"metric": "exact_match"}, {"metric": "acme:shared_words", "role": "secondary"}]}
    experiment = experiments.measured(**people, suite=rules)
    assert experiment.plan.body["metric_versions"]["acme:shared_words"] == "1 (acme-metrics 0.3.1)"
    assert recompute(experiment).findings == ()
    monkeypatch.setitem(
        REGISTRY, "acme:shared_words", plugins.replace(metric, version="1 (acme-metrics 0.4.0)")
    )
    [finding] = recompute(experiment).findings
    assert finding == (
        "acme:shared_words was locked as version 1 (acme-metrics 0.3.1) of the metric; "
        "this server has version 1 (acme-metrics 0.4.0)."
    )


SITE = """
import django, json
django.setup()
from django.core.checks import run_checks
from experiments import suite
from experiments.metrics import REGISTRY
rules = suite.parse({"metrics": [{"metric": "acme:shared_words"}]})
print(json.dumps({
    "version": REGISTRY["acme:shared_words"].version,
    "suite": rules.metrics[0].metric,
    "warnings": [each.msg for each in run_checks() if each.id == "experiments.W001"],
}))
"""


def test_a_fresh_process_finds_what_is_installed_beside_what_is_broken(tmp_path):
    """The real thing: distributions on the path of an interpreter that starts."""
    installed(tmp_path)
    installed(
        tmp_path, name="other-metrics", entry="other = other_metrics:METRICS", source="import torchless"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)]),
        "DJANGO_SETTINGS_MODULE": "evaltrack.settings",
    }
    ran = subprocess.run(
        [sys.executable, "-c", SITE], env=environment, capture_output=True, text=True, check=True
    )
    said = json.loads(ran.stdout)
    assert said["version"] == "1 (acme-metrics 0.3.1)"
    assert said["suite"] == "acme:shared_words"
    [warning] = said["warnings"]
    assert "other-metrics 0.3.1: ModuleNotFoundError" in warning
