"""A throw-away PostgreSQL cluster, made from the server programs that are installed."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INSTALL = "apt install postgresql"
# Nothing of it outlives the run, so it need not survive a power cut. Tests leave tables empty; a planner that has
# heard so joins a dozen of them row by row.
FAST = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "60",
    "autovacuum": "off",
}
# As a server runs that keeps what it has acknowledged: for benchmarks, and for tests that crash it.
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "100",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
}


def programs() -> Path | None:
    """The folder of the newest server programs, or None where there are none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(versions, key=lambda path: int(path.parts[-3]), default=None)
    return newest.parent if newest else None


def unprivileged() -> pwd.struct_passwd | None:
    """The account that runs the server where we are root, which PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("There is no unprivileged account to run PostgreSQL as.")


@dataclass(frozen=True)
class Cluster:
    """A cluster that is reached by a socket in its own folder."""

    folder: Path
    programs: Path
    settings: Mapping[str, str]
    as_account: Mapping[str, Any]

    @property
    def url(self) -> str:
        return f"postgresql://evaltrack@/postgres?host={self.folder}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def pid(self) -> int:
        """The process that all others of the cluster descend from."""
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def create(self) -> None:
        self.run("initdb", "--no-sync", "-D", self.data, "-U", "evaltrack", "--auth=trust", "-E", "UTF8")

    def start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in self.settings.items())
        self.run(
            "pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log",
            "-o", f"-c listen_addresses='' -k {self.folder} {options}", "start",
        )  # fmt: skip

    def crash_and_restart(self) -> None:
        """End it as a power cut would, except for what the kernel still writes, and start it again."""
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "restart")

    def stop(self) -> None:
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def run(self, program: str, *words: str | Path) -> None:
        command = [str(self.programs / program), *map(str, words)]
        # Into a file: a pipe would stay open for as long as the server that pg_ctl leaves behind.
        with tempfile.TemporaryFile() as output:
            code = subprocess.run(
                command, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder, **self.as_account
            ).returncode
            output.seek(0)
            if code:
                raise RuntimeError(f"{program} failed:\n{output.read().decode(errors='replace')}")


@contextlib.contextmanager
def cluster(settings: Mapping[str, str] = FAST) -> Iterator[Cluster]:
    """A running cluster that is gone afterwards."""
    bin_folder, account = programs(), unprivileged()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="evaltrack-pg-"))
    as_account: dict[str, Any] = {}
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
        as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    made = Cluster(folder, bin_folder, settings, as_account)
    try:
        made.create()
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
