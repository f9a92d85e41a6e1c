"""The version of this code, as the changelog's newest heading names it."""

import functools
import re
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"


@functools.cache
def version() -> str:
    found = re.search(r"^## (\S+)", CHANGELOG.read_text(), re.MULTILINE)
    if not found:
        raise ValueError("CHANGELOG.md has no heading that names a version.")
    return found[1]
