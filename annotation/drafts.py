"""Act: keep what somebody has typed and chosen so far, so that a crash or another device loses nothing."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping
from typing import Any

from annotation import assignment as assignments
from annotation import policies
from annotation.judging import LONGEST_COMMENT
from annotation.models import AssignmentState, Draft
from annotation.protocols.rules import HEADLINES
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, Invalid, refuse_if
from evaltrack.ndjson import holds_nul

FIELDS = {*HEADLINES, "strength", "comment", "answers"}
LONGEST = 4 * LONGEST_COMMENT


def keep(assignment_id: uuid.UUID, body: Mapping[str, Any], *, by: User, at: dt.datetime) -> Draft:
    """The newest draft replaces the one before. It is the evaluator's own text, never a model's."""
    refuse_if(policies.judging(by))
    assignment = assignments.mine(assignment_id, by)
    if assignment.state != AssignmentState.SHOWN:
        raise Conflict(*assignments.ENDED)
    if unknown := sorted(set(body) - FIELDS):
        raise Invalid("unknown_field", f"A draft has no {unknown[0]!r}.", {unknown[0]: ["is unknown"]})
    if len(str(body)) > LONGEST:
        raise Invalid("draft_too_long", "This draft is too long to be kept.")
    try:
        json.dumps(body, allow_nan=False, ensure_ascii=False).encode()
        is_kept = not holds_nul(body)
    except ValueError:
        is_kept = False
    if not is_kept:
        raise Invalid("bad_draft", "This draft has a number or a character that cannot be kept.")
    draft, _ = Draft.objects.update_or_create(
        assignment=assignment, defaults={"body": dict(body), "saved_at": at}
    )
    return draft
