"""A throw-away PostgreSQL cluster for the suite, made from the server programs that are installed."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

INSTALL = "apt install postgresql"
# Nothing of it outlives the run, so it need not survive a power cut.
FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "60"}


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


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """A running cluster, reached by a socket in its own folder; its DATABASE_URL."""
    bin_folder, account = programs(), unprivileged()
    assert bin_folder is not None
    folder = Path(tempfile.mkdtemp(prefix="evaltrack-pg-"))
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    as_account = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}

    def run(*command: str | Path) -> None:
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, cwd=folder, **as_account
        )
        if done.returncode:
            raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")

    data = folder / "data"
    try:
        run(bin_folder / "initdb", "--no-sync", "-D", data, "-U", "evaltrack", "--auth=trust", "-E", "UTF8")
        options = " ".join(f"-c {name}={value}" for name, value in FAST.items())
        run(
            bin_folder / "pg_ctl", "-D", data, "-w", "-l", folder / "log",
            "-o", f"-c listen_addresses='' -k {folder} {options}", "start",
        )  # fmt: skip
        try:
            yield f"postgresql://evaltrack@/postgres?host={folder}"
        finally:
            run(bin_folder / "pg_ctl", "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
