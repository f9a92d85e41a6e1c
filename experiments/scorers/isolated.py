"""A library in an interpreter of its own, started as a process: requests and answers are lines of JSON on its pipes.

Python is started with `-I`, so that neither our folder nor `PYTHONPATH` is on its path: the name `datasets` is
Hugging Face's there, and evaltrack's here. It gets none of our environment but the key that the suite names; a folder
of its own, which is thrown away; a limit on memory; and a time for each exchange, after which its whole process group
is killed. It is no wall against code that means harm: it may read what our user may read, and call what our host may.
"""

import contextlib
import json
import logging
import math
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from evaltrack.integrations.addresses import METADATA
from evaltrack.integrations.model_api import storable
from evaltrack.stats.estimate import Undefined
from experiments.metrics.base import Value
from experiments.scorers.base import Away, Given
from experiments.suite import MetricRule

log = logging.getLogger(__name__)

PROTOCOL = 1
WORKERS = Path(__file__).parent / "workers"
SERVE = WORKERS / "serve.py"
SCRIPTS = {"ragas": WORKERS / "ragas_worker.py", "deepeval": WORKERS / "deepeval_worker.py"}
# To import such a library takes seconds; from a cold disk, many.
STARTING_SECONDS = 45
LONGEST_LINE = 64_000
LONGEST_COMPLAINT = 200
KEPT_OF_STDERR = 4000
# What they would send home, or fetch.
QUIET = {
    "RAGAS_DO_NOT_TRACK": "true",
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DEEPEVAL_DISABLE_DOTENV": "1",
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
}


class Broken(Exception):
    """The process ended, hung, or said what it must not; its words are the end of a sentence."""


@dataclass
class Pipes:
    """What goes into a process and comes out of it, none of which may hold us up."""

    process: subprocess.Popen[bytes]
    unread: bytearray = field(default_factory=bytearray)
    errors: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            os.set_blocking(pipe.fileno(), False)  # type: ignore[union-attr]

    def lines(self, request: bytes, *, until: float) -> Any:
        """Send `request`, and yield each line that comes back, as JSON."""
        stdin, stdout, stderr = self.process.stdin, self.process.stdout, self.process.stderr
        assert stdin is not None
        assert stdout is not None
        assert stderr is not None
        left = memoryview(request)
        with selectors.DefaultSelector() as ready:
            ready.register(stdout, selectors.EVENT_READ)
            ready.register(stderr, selectors.EVENT_READ)
            if left:
                ready.register(stdin, selectors.EVENT_WRITE)
            while True:
                while (end := self.unread.find(b"\n")) >= 0:
                    line, self.unread = bytes(self.unread[:end]), self.unread[end + 1 :]
                    yield self.read(line)
                events = ready.select(max(0.0, until - time.monotonic()))
                # Whatever it goes on to say: one that chatters has no more time than one that is silent.
                if time.monotonic() >= until:
                    raise Broken("gave nothing more in time")
                for key, _ in events:
                    if key.fileobj is stdin:
                        left = self.write(left)
                        if not left:
                            ready.unregister(stdin)
                        continue
                    came = os.read(key.fd, 65_536)
                    if key.fileobj is stderr:
                        self.errors = (self.errors + came)[-KEPT_OF_STDERR:]
                        if not came:
                            ready.unregister(stderr)
                        continue
                    if not came:
                        raise Broken(self.how_it_ended())
                    self.unread += came
                    if len(self.unread) > LONGEST_LINE and b"\n" not in self.unread:
                        raise Broken("said more on one line than it may")

    def write(self, left: memoryview) -> memoryview:
        try:
            return left[os.write(self.process.stdin.fileno(), left) :]  # type: ignore[union-attr]
        except BlockingIOError:
            return left
        except BrokenPipeError:
            # It has ended; what it has said before is still read.
            return left[len(left) :]

    def read(self, line: bytes) -> dict[str, Any]:
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Broken("said what is no JSON object")
        return found

    def how_it_ended(self) -> str:
        try:
            code = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its output"
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        words = self.last_words()
        return f"{how}: {words}" if words else how

    def last_words(self) -> str:
        """The last line of its errors, which as a rule names the exception."""
        if self.process.poll() is not None and self.process.stderr is not None:
            with contextlib.suppress(BlockingIOError, ValueError):
                self.errors += os.read(self.process.stderr.fileno(), 65_536)
        said = bytes(self.errors).decode(errors="replace").strip().splitlines()
        return storable(said[-1])[:LONGEST_COMPLAINT] if said else ""


class Isolated:
    """The scorer of one rule of a suite. Use as a context manager; leaving it ends the process."""

    def __init__(self, rule: MetricRule, scorer: str) -> None:
        self.rule = rule
        self.scorer = scorer
        self.pipes: Pipes | None = None
        self.versions = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def ask(self, records: Sequence[dict[str, Any]]) -> dict[int, Given]:
        """Values of some of `records`, by place, at least of one: the rest may be asked for again.

        Where the process breaks, the first that it gave no value for is the one that broke it. Raises Away where it
        cannot be started.
        """
        if self.pipes is None:
            self.start()
        assert self.pipes is not None
        found: dict[int, Value] = {}
        try:
            self.exchange(self.pipes, records, found)
            missing = Undefined(f"{self.scorer} gave nothing for it")
            found.update((place, missing) for place in range(len(records)) if place not in found)
        except Broken as broken:
            log.warning("%s %s; it is started anew", self.scorer, broken)
            self.stop()
            # A batch that was merely slow goes on where it stopped.
            if not (str(broken).endswith("in time") and found):
                culprit = next(place for place in range(len(records) + 1) if place not in found)
                if culprit < len(records):
                    found[culprit] = Undefined(f"{self.scorer} {broken}")
        return {place: Given(value, self.versions) for place, value in found.items()}

    def exchange(self, pipes: Pipes, records: Sequence[dict[str, Any]], found: dict[int, Value]) -> None:
        request = {
            "metric": self.rule.metric.partition(":")[2],
            "parameters": self.rule.parameters,
            "examples": list(records),
        }
        until = time.monotonic() + settings.SCORER_SECONDS
        for line in pipes.lines(json.dumps(request).encode() + b"\n", until=until):
            if line.get("done") is True:
                return
            place = line.get("place")
            if type(place) is not int or not 0 <= place < len(records) or place in found:
                raise Broken("answered about what it was not asked")
            found[place] = self.value(line)

    def value(self, line: dict[str, Any]) -> Value:
        value, reason = line.get("value"), line.get("undefined")
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        if value is None and isinstance(reason, str) and reason:
            return Undefined(storable(f"{self.scorer}: {reason}")[:LONGEST_COMPLAINT])
        raise Broken("gave a value that is no number")

    def start(self) -> None:
        python = settings.SCORERS.get(self.scorer)
        if python is None:
            raise Away(
                f"{self.scorer} is not set up where this worker runs: name its interpreter in EVALTRACK_SCORERS."
            )
        self.folder = tempfile.mkdtemp(prefix="evaltrack-scorer-")
        limits = json.dumps(
            {
                "memory_mb": settings.SCORER_MEMORY_MB,
                "private": settings.PRIVATE_ADDRESSES,
                "never": sorted(map(str, METADATA)),
            }
        )
        try:
            process = subprocess.Popen(
                [python, "-I", str(SERVE), str(SCRIPTS[self.scorer]), limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.folder,
                env=self.environment(),
                # A process group of its own, which is killed as one.
                start_new_session=True,
            )
        except OSError as error:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise Away(f"{self.scorer} cannot be started by EVALTRACK_SCORERS: {error.strerror}.") from None
        self.pipes = Pipes(process)
        try:
            hello = next(self.pipes.lines(b"", until=time.monotonic() + STARTING_SECONDS))
            if hello.get("protocol") != PROTOCOL or not isinstance(hello.get("versions"), dict):
                raise Broken("speaks another protocol")
        except Broken as broken:
            self.stop()
            raise Away(f"{self.scorer} cannot be used: it {broken}.") from None
        self.versions = storable(", ".join(f"{name} {what}" for name, what in hello["versions"].items()))[
            :300
        ]

    def environment(self) -> dict[str, str]:
        """None of ours, which has the secret key and the database's password, but the key that the suite names."""
        found = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "HOME": self.folder,
            "TMPDIR": self.folder,
            **QUIET,
        }
        name = self.rule.parameters.get("api_key_env", "")
        if name in settings.TARGET_KEYS and name in os.environ:
            found[name] = os.environ[name]
        return found

    def stop(self) -> None:
        """End the process and all that it started."""
        if self.pipes is None:
            return
        process, self.pipes = self.pipes.process, None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]
        shutil.rmtree(self.folder, ignore_errors=True)
