"""The same questions to the same endpoint with other runners, where they are installed.

`EVALTRACK_BENCH_INSPECT` names the `inspect` program of an environment of its own, with `inspect_ai` and `openai`;
`EVALTRACK_BENCH_PROMPTFOO` the `promptfoo` program of an npm package of that name.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TASK = """
import json
from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import includes
from inspect_ai.solver import generate

@task
def made():
    rows = json.load(open("rows.json"))
    return Task(
        dataset=[Sample(input=row["input"], target=row["expected"]) for row in rows],
        solver=generate(),
        scorer=includes(),
    )
"""


def others(base_url: str, rows: list[dict[str, str]], *, concurrency: int) -> Iterator[dict[str, Any]]:
    """One arm of `rows` by each that is installed. `seconds` are those of the whole command, `answered` how many
    examples it says that it has evaluated: an exit code of 0 tells nothing of that."""
    for name, (run, answered) in {
        "inspect": (inspect_ai, answered_by_inspect),
        "promptfoo": (promptfoo, answered_by_promptfoo),
    }.items():
        program = os.environ.get(f"EVALTRACK_BENCH_{name.upper()}") or shutil.which(name)
        if program:
            with tempfile.TemporaryDirectory(prefix="evaltrack-bench-") as path:
                folder = Path(path)
                seconds = timed(*run(program, folder, base_url, rows, concurrency), folder)
                count = answered(program, folder)
            yield {
                "runner": name,
                "calls": len(rows),
                "answered": count,
                "seconds": round(seconds, 1),
                "outputs_per_s": round(count / seconds),
            }


def timed(words: list[str], variables: dict[str, str], folder: Path) -> float:
    began = time.monotonic()
    subprocess.run(words, cwd=folder, env={**os.environ, **variables}, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def answered_by_inspect(program: str, folder: Path) -> int:
    [log] = folder.glob("*.eval")
    words = [program, "log", "dump", "--header-only", str(log)]
    found = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
    return found["results"]["completed_samples"] if found["status"] == "success" else 0


def answered_by_promptfoo(program: str, folder: Path) -> int:
    stats = json.loads((folder / "found.json").read_text())["results"]["stats"]
    return stats["successes"] + stats["failures"]


def inspect_ai(
    program: str, folder: Path, base_url: str, rows: list[dict[str, str]], concurrency: int
) -> tuple[list[str], dict[str, str]]:
    (folder / "task.py").write_text(TASK)
    (folder / "rows.json").write_text(json.dumps(rows))
    words = [
        program, "eval", "task.py", "--model", "openai/mock", "-M", "responses_api=false",
        "--max-connections", str(concurrency), "--max-samples", str(concurrency * 2),
        "--display", "none", "--log-dir", str(folder), "--no-log-samples",
    ]  # fmt: skip
    return words, {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "none"}


def promptfoo(
    program: str, folder: Path, base_url: str, rows: list[dict[str, str]], concurrency: int
) -> tuple[list[str], dict[str, str]]:
    asked = {
        "prompts": ["{{input}}"],
        "providers": [{"id": "openai:chat:mock", "config": {"apiBaseUrl": base_url, "apiKey": "none"}}],
        "tests": [
            {"vars": {"input": row["input"]}, "assert": [{"type": "contains", "value": row["expected"]}]}
            for row in rows
        ],
    }
    (folder / "promptfooconfig.json").write_text(json.dumps(asked))
    words = [
        program, "eval", "-c", "promptfooconfig.json", "--max-concurrency", str(concurrency),
        "--no-cache", "--no-table", "--no-progress-bar", "-o", "found.json",
    ]  # fmt: skip
    quiet = {
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_FAILED_TEST_EXIT_CODE": "0",
    }
    return words, {"PROMPTFOO_CONFIG_DIR": str(folder / "kept"), **quiet}
