"""Lock files: written by uv for every Python we support, checked to be what pyproject.toml asks for.

`python -m tests.lockfiles` fails where they differ; `--write` mends them.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {
    "requirements.txt": ["server"],
    "requirements-dev.txt": ["server", "dev"],
    "requirements-ragas.txt": ["ragas"],
    "requirements-deepeval.txt": ["deepeval"],
}


def compiled(name: str, extras: list[str], folder: Path) -> str:
    """What uv makes of pyproject.toml now; versions that are pinned already stay."""
    target = folder / name
    if (ROOT / name).exists():
        shutil.copy(ROOT / name, target)
    wanted = [argument for extra in extras for argument in ("--extra", extra)]
    subprocess.run(
        [
            sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", *wanted, "--universal",
            "--python-version", "3.11", "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url",
            "--quiet", "--output-file", str(target),
        ],
        cwd=ROOT,
        check=True,
    )  # fmt: skip
    return target.read_text()


def main() -> int:
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        for name, extras in LOCKS.items():
            text = compiled(name, extras, Path(folder))
            if "http://" in text or "https://" in text:
                raise SystemExit(f"{name} would name an address; lock files name none.")
            if not (ROOT / name).exists() or (ROOT / name).read_text() != text:
                stale.append(name)
                if "--write" in sys.argv:
                    (ROOT / name).write_text(text)
    if stale and "--write" not in sys.argv:
        print(f"Not what pyproject.toml asks for: {', '.join(stale)}. Run: make lock")
        return 1
    print("Lock files are up to date." if not stale else f"Written: {', '.join(stale)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
