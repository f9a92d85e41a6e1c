"""`make test`: the whole suite, once on SQLite and once on PostgreSQL.

What is missing on the machine is skipped with its reason and its install command; with REQUIRE_ALL=1 that is a
failure. Further arguments go to pytest: `make test ARGS="-k promotion"`.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests import postgresql

ROOT = Path(__file__).resolve().parent.parent
# Bytes; a run needs less than a tenth of it.
ROOM = 2 * 1024**3


@dataclass
class Half:
    """The suite on one database. Both halves run at the same time: each keeps one core busy."""

    label: str
    folder: Path
    database_url: str
    output: IO[bytes] | None = None

    def start(self, arguments: list[str], *, runs: str) -> None:
        """`runs` says which of the tests that run once are run here (see tests/halves.py)."""
        environment = {
            **os.environ,
            "EVALTRACK_VAR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "TESTS_RUN_ONCE": runs,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-rs", f"--basetemp={self.folder / 'pytest'}", *arguments],
            env=environment,
            cwd=ROOT,
            stdout=self.output,
            stderr=subprocess.STDOUT,
        )

    def finish(self) -> int:
        """Wait for the end; what was kept is printed as one piece."""
        code = self.process.wait()
        if self.output:
            self.output.seek(0)
            print(f"\n── {self.label} ──\n{self.output.read().decode(errors='replace')}", flush=True)
        return code


def main() -> int:
    arguments, strict = sys.argv[1:], os.environ.get("REQUIRE_ALL") == "1"
    started, missing = time.monotonic(), []
    if not (os.environ.get("CHROMIUM") or shutil.which("chromium")):
        missing.append("Chromium is not installed, so the browser tests were skipped: apt install chromium")
    with contextlib.ExitStack() as stack:
        folders = [
            Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evaltrack-test-", dir=in_memory())))
            for _ in range(2)
        ]
        halves = [Half("SQLite", folders[0], f"sqlite:///{folders[0]}/evaltrack.sqlite3")]
        url = os.environ.get("TEST_DATABASE_URL", "")
        if not url and postgresql.programs():
            url = stack.enter_context(postgresql.cluster()).url
        if url:
            halves.append(Half("PostgreSQL", folders[1], url, stack.enter_context(tempfile.TemporaryFile())))
        else:
            missing.append(
                "PostgreSQL is not installed, so its half of the suite was skipped: "
                f"{postgresql.INSTALL} (or set TEST_DATABASE_URL)"
            )
        print("── SQLite; PostgreSQL runs at the same time and is printed after it ──", flush=True)
        for half in halves:
            half.start(arguments, runs=half.label if len(halves) == 2 else "all")
        codes = {half.label: half.finish() for half in halves}
    print(f"── {', '.join(f'{name}: {words(code)}' for name, code in codes.items())} ", end="")
    print(f"in {time.monotonic() - started:.0f} s ──")
    for sentence in missing:
        print(f"{'MISSING' if strict else 'skipped'}: {sentence}")
    failed = any(code not in (0, 5) for code in codes.values())
    return 1 if failed or (strict and missing) else 0


def in_memory() -> str | None:
    """A folder without a disk, where there is one with room: the tests write thousands of small files, and wait."""
    shared = Path("/dev/shm")
    if shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > ROOM:
        return str(shared)
    return None


def words(code: int) -> str:
    return {0: "passed", 1: "failed", 5: "no test selected"}.get(code, f"ended with {code}")


if __name__ == "__main__":
    sys.exit(main())
