"""A worker in another interpreter: whatever it does is a value or a reason, and it knows nothing of ours."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaltrack.stats.estimate import Undefined
from experiments.scorers.base import Away
from experiments.scorers.isolated import SERVE, Isolated
from experiments.suite import MetricRule
from tests.architecture.sources import ROOT
from tests.endpoint import Reply, always, says, serve
from tests.experiments.scorers import scripts
from tests.experiments.scorers.scripts import HEAD


@pytest.fixture
def scorer(settings, monkeypatch, tmp_path):
    settings.SCORER_SECONDS = 20
    opened = []

    def of(source: str, **parameters) -> Isolated:
        scripts.use(settings, monkeypatch, tmp_path, source)
        opened.append(Isolated(MetricRule("ragas:exact_match", parameters=parameters), "ragas"))
        return opened[-1]

    yield of
    for each in opened:
        each.stop()


def records(*answers: str):
    return [{"input": "?", "answer": answer, "expected": answer, "contexts": None} for answer in answers]


def all_of(scorer: Isolated, *answers: str) -> list:
    """Ask until everything has been given, as the act does."""
    found, left = {}, dict(enumerate(answers))
    while left:
        places = list(left)
        came = scorer.ask(records(*left.values()))
        assert came, "each exchange brings at least one value"
        found.update({places[place]: each.value for place, each in came.items()})
        left = {place: answer for place, answer in left.items() if place not in found}
    return [found[place] for place in range(len(answers))]


def test_values_come_back_in_order_with_the_versions_that_gave_them(scorer):
    with scorer(scripts.says(scripts.PRINTS)) as each:
        came = each.ask([*records("1", "2"), {**records("3")[0], "expected": "4"}])
        assert [came[place].value for place in range(3)] == [1.0, 1.0, 0.0]
        assert came[0].versions.startswith("python 3.")


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (scripts.CRASHES, "ragas ended with code 3"),
        (scripts.KILLED, "ragas was ended by signal 9"),
        (scripts.RAISES, "ragas: ValueError: a bad one"),
        (scripts.EATS, "ragas: MemoryError"),
        (scripts.GARBAGE, "ragas said what is no JSON object"),
        (scripts.LONG, "ragas said more on one line than it may"),
        (scripts.NAN, "ragas: it gave no number"),
    ],
)
def test_one_example_that_breaks_it_has_a_reason_and_the_others_have_their_values(
    scorer, settings, behaviour, reason
):
    settings.SCORER_MEMORY_MB = 1024
    with scorer(scripts.says(behaviour)) as each:
        assert all_of(each, "1", "2", "3", "4", "5") == [1.0, 1.0, Undefined(reason), 1.0, 1.0]


def test_one_that_hangs_is_ended_in_time_with_all_that_it_started(scorer, settings, tmp_path):
    settings.SCORER_SECONDS = 1
    noted = tmp_path / "child"
    starts = "import subprocess; child = subprocess.Popen(['sleep', '60']); "
    starts += f"open({str(noted)!r}, 'w').write(str(child.pid))"
    hangs = scripts.ON_THREE.format(f"exec({starts!r}); time.sleep(60)")
    with scorer(scripts.says(hangs)) as each:
        started = time.monotonic()
        assert all_of(each, "3", "1") == [Undefined("ragas gave nothing more in time"), 1.0]
        assert time.monotonic() - started < 15
    child = int(noted.read_text())
    for _ in range(50):
        if has_ended(child):
            break
        time.sleep(0.1)
    else:
        pytest.fail("what it had started goes on")


def has_ended(pid: int) -> bool:
    """Gone, or waiting for whoever adopted it to notice."""
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or status.read_text().split()[2] == "Z"


def test_a_batch_that_is_merely_slow_blames_nobody(scorer, settings):
    settings.SCORER_SECONDS = 1
    with scorer(scripts.says("time.sleep(0.4)\n" + scripts.RIGHT)) as each:
        assert all_of(each, *"1234567") == [1.0] * 7


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import no_such_library", "No module named 'no_such_library'"),
        ("raise SystemExit(4)", "ended with code 4"),
        ("PACKAGES = ('no-such-distribution',)\nMETRICS = {}", "no-such-distribution"),
    ],
)
def test_one_that_cannot_start_is_away_with_its_last_words(scorer, source, says):
    with scorer(source) as each, pytest.raises(Away, match="ragas cannot be used") as away:
        each.ask(records("1"))
    assert says in str(away.value)


def test_an_interpreter_that_is_not_there_is_said(scorer, settings):
    each = scorer(scripts.says(scripts.RIGHT))
    settings.SCORERS = {"ragas": "/no/such/python"}
    with pytest.raises(Away, match="cannot be started by EVALTRACK_SCORERS: No such file"):
        each.ask(records("1"))
    settings.SCORERS = {}
    with pytest.raises(Away, match="name its interpreter in EVALTRACK_SCORERS"):
        each.ask(records("1"))


TELLS = """
import json
tell = json.dumps({"environment": dict(os.environ), "path": sys.path, "folder": os.getcwd()})
open(example["input"], "w").write(tell)
return 1.0
"""


def test_it_gets_nothing_of_our_environment_but_the_key_that_the_suite_names(
    scorer, settings, monkeypatch, tmp_path
):
    settings.TARGET_KEYS = ["MODEL_KEY", "OTHER_KEY"]
    for name in ("MODEL_KEY", "OTHER_KEY", "EVALTRACK_SECRET_KEY", "DATABASE_URL"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(ROOT)
    with scorer(scripts.says(TELLS), api_key_env="MODEL_KEY") as each:
        each.ask([{"input": str(tmp_path / "told"), "answer": "1"}])
        folder = each.folder
        told = json.loads((tmp_path / "told").read_text())
    assert {name for name, value in told["environment"].items() if value == "secret"} == {"MODEL_KEY"}
    assert "PYTHONPATH" not in told["environment"]
    assert told["folder"] == folder
    assert not os.path.exists(folder)
    assert not [
        path for path in told["path"] if path in {"", str(ROOT)} or path.startswith(str(ROOT / "experiments"))
    ]


def test_our_datasets_is_not_found_in_it_even_from_our_own_folder(scorer, monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(ROOT)
    looks = (
        "import importlib.util\nfound = importlib.util.find_spec('datasets')\n"
        "open(example['input'], 'w').write(str(found and found.origin))\nreturn 1.0"
    )
    with scorer(scripts.says(looks)) as each:
        each.ask([{"input": str(tmp_path / "told"), "answer": "1"}])
    assert str(ROOT) not in (tmp_path / "told").read_text()


def test_a_worker_that_nobody_speaks_to_any_more_ends_by_itself(tmp_path):
    script = tmp_path / "worker.py"
    script.write_text(scripts.says(scripts.RIGHT))
    ran = subprocess.run(
        [sys.executable, "-I", str(SERVE), str(script), '{"memory_mb": 1024}'],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert ran.stdout.count(b"\n") == 1


ASKS = (
    HEAD
    + """
def make(parameters, chat):
    return lambda example: float(chat(example["input"]))
METRICS = {"exact_match": make}
"""
)


def test_a_worker_asks_the_model_that_the_suite_names_with_its_key_and_follows_it_nowhere(
    scorer, monkeypatch
):
    monkeypatch.setenv("MODEL_KEY", "a key")
    with serve(lambda call: says("0.25")) as endpoint:
        given = {"base_url": endpoint.base_url, "model": "judge-1", "api_key_env": "MODEL_KEY"}
        with scorer(ASKS, **given) as each:
            assert each.ask(records("1"))[0].value == 0.25
        [call] = endpoint.calls
        assert (call.model, call.authorization, call.path) == (
            "judge-1",
            "Bearer a key",
            "/v1/chat/completions",
        )
        redirects = always(Reply(b"", 307, {"Location": endpoint.base_url}))
        with serve(redirects) as other, scorer(ASKS, base_url=other.base_url, model="judge-1") as each:
            found = each.ask(records("1"))[0].value
        assert found == Undefined("ragas: RuntimeError: the model's endpoint answered 307")
        assert len(endpoint.calls) == 1


def test_a_name_that_leads_to_this_machine_is_not_asked(scorer):
    """What a listed name resolves to is looked at before anything is said: 127.1 stands for such a name here."""
    with serve(lambda call: says("0.25")) as endpoint:
        given = {"base_url": f"http://127.1:{endpoint.port}/v1", "model": "judge-1"}
        with scorer(ASKS, **given) as each:
            found = each.ask(records("1"))[0].value
        assert "at an address that may not be asked" in found.reason
        assert not endpoint.calls


LEAVES = """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
from experiments.scorers import isolated
from experiments.suite import MetricRule
isolated.SCRIPTS["ragas"] = Path(sys.argv[1])
settings.SCORERS = {"ragas": sys.executable}
scorer = isolated.Isolated(MetricRule("ragas:exact_match"), "ragas")
scorer.ask([{"answer": "1", "expected": "1"}])
print(scorer.pipes.process.pid, flush=True)
scorer.ask([{"answer": "3", "expected": "3"}])
"""


def test_one_whose_worker_is_killed_does_not_stay_behind(tmp_path):
    """In the midst of a batch, when it reads nothing that could tell it."""
    script = tmp_path / "worker.py"
    script.write_text(scripts.says(scripts.HANGS))
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "evaltrack.settings", "PYTHONPATH": str(ROOT)}
    started = [sys.executable, "-c", LEAVES, str(script)]
    with subprocess.Popen(started, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        child = int(worker.stdout.readline())
        assert not has_ended(child)
        worker.kill()
    deadline = time.monotonic() + 10
    while not has_ended(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert has_ended(child)
