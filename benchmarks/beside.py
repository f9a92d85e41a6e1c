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
    """One arm of `rows` by each that is installed. `seconds` are those of the whole command."""
    for name, run in {"inspect": inspect_ai, "promptfoo": promptfoo}.items():
        program = os.environ.get(f"EVALTRACK_BENCH_{name.upper()}") or shutil.which(name)
        if program:
            with tempfile.TemporaryDirectory(prefix="evaltrack-bench-") as folder:
                yield {
                    "runner": name,
                    **timed(run(program, Path(folder), base_url, rows, concurrency), folder, rows),
                }


def timed(command: tuple[list[str], dict[str, str]], folder: str, rows: list[Any]) -> dict[str, Any]:
    words, variables = command
    began = time.monotonic()
    ended = subprocess.run(words, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if ended.returncode:
        return {"error": (ended.stderr or ended.stdout)[-500:]}
    return {"calls": len(rows), "seconds": round(seconds, 1), "outputs_per_s": round(len(rows) / seconds)}


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
