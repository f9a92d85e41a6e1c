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
from pathlib import Path

from tests import postgresql

ROOT = Path(__file__).resolve().parent.parent


def pytest(database_url: str, label: str, arguments: list[str]) -> int:
    print(f"\n── {label} ──", flush=True)
    with tempfile.TemporaryDirectory(prefix="evaltrack-test-") as folder:
        environment = {**os.environ, "EVALTRACK_VAR": folder, "DATABASE_URL": database_url}
        environment["DATABASE_URL"] = database_url or f"sqlite:///{folder}/evaltrack.sqlite3"
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-rs", *arguments], env=environment, cwd=ROOT
        ).returncode


def main() -> int:
    arguments, strict = sys.argv[1:], os.environ.get("REQUIRE_ALL") == "1"
    started, missing, codes = time.monotonic(), [], {}
    if not (os.environ.get("CHROMIUM") or shutil.which("chromium")):
        missing.append("Chromium is not installed, so the browser tests were skipped: apt install chromium")
    codes["SQLite"] = pytest("", "SQLite", arguments)
    with contextlib.ExitStack() as stack:
        url = os.environ.get("TEST_DATABASE_URL", "")
        if not url and postgresql.programs():
            url = stack.enter_context(postgresql.cluster())
        if url:
            codes["PostgreSQL"] = pytest(url, "PostgreSQL", arguments)
        else:
            missing.append(
                "PostgreSQL is not installed, so its half of the suite was skipped: "
                f"{postgresql.INSTALL} (or set TEST_DATABASE_URL)"
            )
    print(f"\n── {', '.join(f'{name}: {words(code)}' for name, code in codes.items())} ", end="")
    print(f"in {time.monotonic() - started:.0f} s ──")
    for sentence in missing:
        print(f"{'MISSING' if strict else 'skipped'}: {sentence}")
    failed = any(code not in (0, 5) for code in codes.values())
    return 1 if failed or (strict and missing) else 0


def words(code: int) -> str:
    return {0: "passed", 1: "failed", 5: "no test selected"}.get(code, f"ended with {code}")


if __name__ == "__main__":
    sys.exit(main())
