"""The same questions to the same endpoint with another runner, where it is installed.

`EVALTRACK_BENCH_INSPECT` names the `inspect` program of an environment of its own, with `inspect_ai` and `openai`.
"""

import json
import os
import shutil
import subprocess
import tempfile
import time
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


def inspect_ai(base_url: str, rows: list[dict[str, str]], *, concurrency: int) -> dict[str, Any] | None:
    """One arm of `rows`; None where the program is not installed. `seconds` are those of the whole command."""
    program = os.environ.get("EVALTRACK_BENCH_INSPECT") or shutil.which("inspect")
    if not program:
        return None
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "task.py").write_text(TASK)
        Path(folder, "rows.json").write_text(json.dumps(rows))
        words = [
            program, "eval", "task.py", "--model", "openai/mock", "-M", "responses_api=false",
            "--max-connections", str(concurrency), "--max-samples", str(concurrency * 2),
            "--display", "none", "--log-dir", folder, "--no-log-samples",
        ]  # fmt: skip
        environment = {**os.environ, "OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": "none"}
        began = time.monotonic()
        ended = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
        seconds = time.monotonic() - began
        if ended.returncode:
            return {"error": (ended.stderr or ended.stdout)[-500:]}
    return {
        "runner": "inspect_ai",
        "calls": len(rows),
        "seconds": round(seconds, 1),
        "outputs_per_s": round(len(rows) / seconds),
    }
