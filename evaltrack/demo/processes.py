"""The demo's processes: started together, each the leader of its own group, ended together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 30


class NotStarted(Exception):
    """A process did not come up; the message says which, and where its log lies."""


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class Processes:
    """Starts, watches and stops. Use as a context manager: leaving it ends every process group."""

    logs: Path
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def __enter__(self) -> "Processes":
        self.logs.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *exception: object) -> None:
        # Each leader ends its own: a cluster whose children are ended over its head waits for them for ever.
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + 10
        for process in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            # The cluster's workers are not our children: whatever is left of the group goes too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)

    def start(self, name: str, *arguments: str) -> None:
        with (self.logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *arguments], stdout=log, stderr=log, start_new_session=True
            )

    def wait_for(self, name: str, address: str) -> None:
        """Until `address` answers."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.check()
            try:
                with urllib.request.urlopen(address, timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise NotStarted(f"{name} did not answer at {address}; see {self.logs / name}.log")

    def check(self) -> None:
        for name, process in self.running.items():
            if process.poll() is not None:
                raise NotStarted(f"{name} ended by itself; see {self.logs / name}.log")
