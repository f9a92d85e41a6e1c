"""Workers that misbehave, as files for the real `serve.py` in a real interpreter."""

import sys
from pathlib import Path

HEAD = "import os, sys, time\nPACKAGES = ()\n"


def says(body: str) -> str:
    """A worker with a metric for each of Ragas's that are used here, whose score of an example is `body`."""
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return (
        HEAD
        + f"def make(parameters, chat):\n    def score(example):\n{lines}\n    return score\n"
        + "METRICS = {name: make for name in ('exact_match', 'non_llm_string_similarity', 'faithfulness')}\n"
    )


RIGHT = "return float(example['answer'] == example['expected'])"
ON_THREE = "if example['answer'] == '3': {}\n" + RIGHT
CRASHES = ON_THREE.format("os._exit(3)")
KILLED = ON_THREE.format("os.kill(os.getpid(), 9)")
HANGS = ON_THREE.format("time.sleep(60)")
RAISES = ON_THREE.format("raise ValueError('a bad one')")
EATS = ON_THREE.format("len(bytearray(3_000_000_000))")
# Past the library's own output, onto the pipe that has our lines: found by trying.
GARBAGE = ON_THREE.format(
    "[os.write(fd, b'what?\\n') for fd in range(3, 9) if os.path.exists(f'/proc/self/fd/{fd}')]"
)
LONG = ON_THREE.format(
    "[os.write(fd, b'x' * 200_000) for fd in range(3, 9) if os.path.exists(f'/proc/self/fd/{fd}')]"
)
PRINTS = "print('the library says hello'); sys.stderr.write('and warns\\n')\n" + RIGHT
NAN = ON_THREE.format("return float('nan')")


def use(settings, monkeypatch, folder: Path, source: str, scorer: str = "ragas") -> None:
    """Has `scorer` run `source` in this interpreter."""
    from experiments.scorers import isolated  # noqa: PLC0415  the settings come first

    path = folder / f"{scorer}_script.py"
    path.write_text(source)
    monkeypatch.setitem(isolated.SCRIPTS, scorer, path)
    settings.SCORERS = {scorer: sys.executable}
