"""An import that is killed leaves nothing, and can be sent again."""

import io
import json
import os
import signal
import subprocess
import sys

from django.conf import settings as configured

from annotation import imports
from annotation.models import ImportedJudgment, ImportedRater, ImportedSource, JudgmentImport
from evaltrack import clock
from evaltrack.ledger.models import LedgerEntry
from tests.experiments.cluster import database_url
from tests.factories import stand_alone

LINES = 5000


def test_a_kill_in_the_middle_leaves_nothing_and_the_file_can_be_sent_again(transactional_db, lead, tmp_path):
    campaign = stand_alone.campaign(lead, items=0)
    file = tmp_path / "judgments.ndjson"
    file.write_text(
        "".join(
            json.dumps({"item": f"{n}", "rater": "r", "responses": ["a", "b"], "preference": "a"}) + "\n"
            for n in range(LINES)
        )
    )
    module = ["-m", "tests.in_application", "tests.annotation.killed_import"]
    died = subprocess.run(
        [sys.executable, *module, str(campaign.public_id), lead.username, str(file), str(LINES - 1)],
        cwd=configured.BASE_DIR,
        env={**os.environ, "DATABASE_URL": database_url(), "EVALTRACK_VAR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
    )
    assert died.returncode == -signal.SIGKILL, died.stderr
    # It had stored two batches by then, by what it saw itself.
    assert int(died.stdout) == 2 * imports.BATCH
    for model in (ImportedJudgment, ImportedRater, ImportedSource, JudgmentImport):
        assert not model.objects.exists()
    row, is_new = imports.take(
        campaign.pk, io.BytesIO(file.read_bytes()), format="ndjson", by=lead, at=clock.now()
    )
    assert (row.judgments, is_new) == (LINES, True)
    assert LedgerEntry.objects.filter(event="judgments_imported").count() == 1
