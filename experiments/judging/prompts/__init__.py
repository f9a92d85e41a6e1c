"""Pure: what judges are told, as texts beside this file. A text that changes is another version of its metrics."""

from functools import cache
from pathlib import Path

from evaltrack.canonical import digest
from experiments.targets.base import filled

HERE = Path(__file__).parent
FRAME = "frame"
# How material is laid out below the instructions; see `experiments.judging.material`.
LAYOUT = "evaltrack-material-v1"


@cache
def text(name: str) -> str:
    return (HERE / f"{name}.txt").read_text(encoding="utf-8").strip()


@cache
def digest_of(name: str) -> str:
    """The digest of all that is said to a judge by this prompt, but for the rubric and the material."""
    return digest({"frame": text(FRAME), "task": text(name), "layout": LAYOUT})


def instructions(name: str, variables: dict[str, str | int], *, mark: str) -> str:
    """Each text is filled once: what stands in a variable is never looked through for further ones."""
    return filled(text(FRAME), {"mark": mark, "task": filled(text(name), variables)})
