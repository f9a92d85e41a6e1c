"""`manage.py demo --once`, as a newcomer starts it: a real run, twice, on SQLite as the demo has it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from evaltrack.demo.processes import port_is_free
from tests.architecture.sources import ROOT

ROLES = {"admin", "platform", "owner", "approver", "lead", "evaluator", "custodian", "auditor"}


def run_demo(var: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "manage.py", "demo", "--once", *arguments],
        cwd=ROOT,
        env={**environment, "EVALTRACK_VAR": str(var)},
        capture_output=True,
        text=True,
        timeout=180,
    )


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_the_demo_measures_once_and_finds_its_data_again(tmp_path):
    first = run_demo(tmp_path, "--port", free_port())
    assert first.returncode == 0, first.stdout + first.stderr
    for word in (
        "accuracy",
        "factuality",
        "format_compliance",
        "latency_p95",
        "latency_p99",
        "mcnemar_mid_p",
    ):
        assert word in first.stdout
    assert "verdict: INCONCLUSIVE (people still to judge)" in first.stdout
    assert "SIMULATED" in first.stdout
    described = json.loads((tmp_path / "demo.json").read_text())
    assert {account["role"] for account in described["accounts"]} == ROLES
    assert (tmp_path / "demo.json").stat().st_mode & 0o077 == 0
    assert not left_over(tmp_path)
    assert port_is_free(int(described["url"].rpartition(":")[2]))

    again = run_demo(tmp_path, "--port", free_port())
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Data of an earlier start found" in again.stdout
    assert table_of(again.stdout) == table_of(first.stdout)
    renewed = json.loads((tmp_path / "demo.json").read_text())["token"]
    assert renewed != described["token"]
    assert call_in_process(tmp_path, renewed) == 200
    assert call_in_process(tmp_path, described["token"]) == 401


def table_of(printed: str) -> list[str]:
    return [
        line
        for line in printed.splitlines()
        if line.startswith("  ") and ("gating" in line or "guardrail" in line)
    ]


def call_in_process(var: Path, token: str) -> int:
    """The status of an API call with this token, asked of the instance that the demo left behind."""
    probe = (
        "import sys, django; django.setup()\n"
        "from django.test import Client\n"
        "headers = {'Authorization': 'Bearer ' + sys.argv[1], 'Host': 'localhost'}\n"
        "answer = Client().get('/api/v1/experiments', headers=headers)\n"
        "print(answer.status_code)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"EVALTRACK_VAR": str(var), "DJANGO_SETTINGS_MODULE": "evaltrack.settings"}
    done = subprocess.run(
        [sys.executable, "-c", probe, token], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    return int(done.stdout.split()[-1])


def test_a_taken_port_gets_one_clear_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run_demo(tmp_path, "--port", str(port))
    assert refused.returncode == 1
    assert (
        refused.stderr.strip()
        == f"CommandError: Port {port} is taken. Choose another: make demo PORT={port + 1}"
    )


def left_over(var: Path) -> list[str]:
    """Processes that still run with this instance in their environment.

    The worker's children are not the demo's: only ending the whole group ends them.
    """
    return [pid for pid in os.listdir("/proc") if pid.isdigit() and str(var) in environment_of(pid)]


def environment_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(errors="replace")
    except OSError:
        return ""


@pytest.fixture(autouse=True)
def _sqlite_only():
    """The demo has its own SQLite database: the run on PostgreSQL would only repeat it."""
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        pytest.skip("the demo runs on SQLite, and the SQLite half of the suite tests it")
