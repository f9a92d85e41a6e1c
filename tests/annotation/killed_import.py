"""Imports a file, and is killed in the middle of it, by itself, as no other process could hit the moment:

python -m tests.in_application tests.annotation.killed_import CAMPAIGN USERNAME FILE LINES
"""

import io
import os
import signal
import sys

from annotation import imports
from annotation.models import Campaign, ImportedJudgment
from evaltrack import clock
from evaltrack.accounts.models import User


class Deadly(io.BufferedReader):
    """A file that ends its reader after so many lines."""

    left = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        self.left -= 1
        if self.left < 0:
            print(ImportedJudgment.objects.count(), flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().readline(size)


if __name__ == "__main__":
    campaign, username, path, lines = sys.argv[1:]
    with Deadly(io.FileIO(path)) as file:
        file.left = int(lines)
        row = Campaign.objects.get(public_id=campaign)
        by = User.objects.get(username=username)
        imports.take(row.pk, file, format="ndjson", by=by, at=clock.now())
