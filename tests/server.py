"""The application as it runs in production, for tests and benchmarks: gunicorn's processes on loopback."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_S = 30
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Server:
    url: str
    pid: int

    def workers(self) -> list[int]:
        return children(self.pid)

    def kill_a_worker(self, nth: int) -> bool:
        """As the kernel does when memory runs out; gunicorn starts another. Whether there was one to kill."""
        alive = self.workers()
        if not alive:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(alive[nth % len(alive)], signal.SIGKILL)
            return True
        return False


@contextlib.contextmanager
def serving(
    environment: Mapping[str, str],
    *,
    workers: int = 2,
    threads: int = 4,
    python: str = sys.executable,
    application: str = "evaltrack.wsgi",
    folder: Path = ROOT,
    health: str = "/healthz",
) -> Iterator[Server]:
    """gunicorn as `make run` starts it, with the variables that name its database and folder."""
    port = free_port()
    command = [
        python, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}",
        "--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads),
    ]  # fmt: skip
    with tempfile.TemporaryFile() as log:
        # A session of its own: Ctrl-C then reaches only who started it, and that ends it by its id.
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_it_answers(f"http://127.0.0.1:{port}{health}", process)
            yield Server(f"http://127.0.0.1:{port}", process.pid)
        except Exception:
            log.seek(0)
            sys.stderr.write(log.read()[-4000:].decode(errors="replace"))
            raise
        finally:
            end(process)


def in_application(module: str, *words: str, environment: Mapping[str, str], given: str | None = None) -> str:
    """What a script prints that runs in a process of the application; its progress goes to the terminal."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.in_application", module, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        input=given,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def wait_until_it_answers(url: str, process: subprocess.Popen) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=1).close()
            return
        time.sleep(0.05)
    raise RuntimeError("The server did not start.")


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        for pid in children(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def cpu_ms(pid: int) -> float:
    """User and system time of a process and all that descend from it, those that have ended included."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    own = sum(map(int, fields[11:15])) / TICKS_PER_S * 1000
    return own + sum(map(cpu_ms, children(pid)))
