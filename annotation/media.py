"""Acts: take in a picture or a recording for a campaign, and give it to who judges it.

Who judges has an address for each file of a task, made of the assignment and a number: it is another one for
everybody and every time, and works as long as the task is theirs.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import IO, Any, BinaryIO

from django.db import IntegrityError, transaction

from annotation import assignment as assignments
from annotation import lifecycle, policies
from annotation.attached import MediaReference
from annotation.items import Item
from annotation.models import Assignment, AssignmentState, Campaign, Media
from annotation.models import Response as ResponseRow
from evaltrack.accounts.models import User
from evaltrack.errors import Gone, Invalid, NotFound, refuse_if
from evaltrack.integrations.object_store import digest_of, object_store
from evaltrack.media import Unfit, cleaned, temporary
from evaltrack.ndjson import BrokenLines, LineError

# By digest, the files that items of one batch name.
Files = Mapping[str, Media]


def take_in(
    campaign: Campaign, file: IO[bytes], *, by: User, at: dt.datetime
) -> tuple[Media, tuple[str, ...], bool]:
    """Clean the file and keep it; with it what was removed, and whether it is new.

    The same bytes again change nothing. No transaction spans the cleaning; a file that nothing refers to afterwards
    harms nobody.
    """
    refuse_if(policies.opening(by))
    lifecycle.refuse_unless_filled_by_hand(campaign)
    file.seek(0)
    digest = digest_of(file)
    if known := campaign.media.filter(digest=digest).first():
        return known, (), False
    with temporary() as clean:
        try:
            found = cleaned(file, into=clean)
        except Unfit as unfit:
            raise Invalid("unfit_media", f"The file {unfit}.", {"body": [str(unfit)]}) from None
        row = Media(
            campaign=campaign,
            digest=digest,
            blob=object_store().put_file_if_absent(clean),
            kind=found.kind,
            content_type=found.content_type,
            size=clean.seek(0, 2),
            width=found.width,
            height=found.height,
            uploaded_by=by,
            uploaded_at=at,
        )
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return campaign.media.get(digest=digest), (), False  # the same file was sent twice at once
    return row, found.removed, True


def named_by(campaign: Campaign, batch: list[tuple[int, Item]]) -> Files:
    """The files that the items name. Raises BrokenLines where one is not there, or would betray its system."""
    wanted = {each.digest for _, item in batch for each in references(item)}
    if not wanted:
        return {}
    files = {row.digest: row for row in campaign.media.filter(digest__in=wanted)}
    if errors := [
        error
        for number, item in batch
        for error in (*missing(number, item, files), *unlike(number, item, files))
    ]:
        raise BrokenLines(errors)
    return files


def references(item: Item) -> Iterable[MediaReference]:
    yield from item.media
    for response in item.responses:
        yield from response.media


def missing(number: int, item: Item, files: Files) -> Iterable[LineError]:
    for each in references(item):
        row = files.get(each.digest)
        if row is None:
            reason = "was not uploaded to this campaign; send the file first, to …/media"
            yield LineError(number, each.path, reason)
        elif row.kind != each.kind:
            yield LineError(number, each.path, f"is no {each.kind}; the file is {row.kind}")


def unlike(number: int, item: Item, files: Files) -> Iterable[LineError]:
    """Sound is kept as it was coded. Where only one system sends MP3, whoever looks at its type tells them apart."""
    types = [
        {
            files[each.digest].content_type
            for each in response.media
            if each.kind == "audio" and each.digest in files
        }
        for response in item.responses
    ]
    if len(set(map(frozenset, filter(None, types)))) > 1:
        shown = " and ".join(", ".join(sorted(each)) for each in types)
        reason = f"differ in their types ({shown}), which tells the systems apart; send both alike"
        yield LineError(number, "responses", reason)


def kept(references: Iterable[MediaReference], files: Files) -> list[dict[str, Any]]:
    """What a task keeps of its files, so that showing it asks nothing more of the database."""
    return [
        {
            "kind": each.kind,
            "alt": each.alt,
            "blob": files[each.digest].blob,
            "type": files[each.digest].content_type,
            "width": files[each.digest].width,
            "height": files[each.digest].height,
        }
        for each in references
    ]


def opened(
    assignment_id: uuid.UUID, place: int, *, by: User, at: dt.datetime
) -> tuple[BinaryIO, dict[str, Any]]:
    """The file in a place of the evaluator's own task, and what is known of it."""
    refuse_if(policies.judging(by))
    absent = NotFound("no_such_media", "There is no such file in a task of yours.")
    assignment = Assignment.objects.select_related("campaign", "slot").filter(
        public_id=assignment_id, evaluator=by
    )
    found = assignment.first()
    if found is None:
        raise absent
    if found.state not in (AssignmentState.SHOWN, AssignmentState.PREFETCHED):
        raise Gone(*assignments.ENDED)
    assignments.refuse_if_paused(found.campaign)
    return opened_in(found.task_id, found.slot.places, place)


def opened_in(task: int, places: str, place: int) -> tuple[BinaryIO, dict[str, Any]]:
    shown = in_order(task, places)
    if not 1 <= place <= len(shown):
        raise NotFound("no_such_media", "There is no such file in a task of yours.")
    file = shown[place - 1]
    return object_store().open_verified(file["blob"]), file


def in_order(task: int, places: str) -> list[dict[str, Any]]:
    """The files of a task as they stand on a screen: of the prompt, of Response 1, and so on."""
    rows = list(ResponseRow.objects.filter(task=task).order_by("ordinal").values_list("media", "task__media"))
    of_prompt = rows[0][1]
    return of_prompt + [file for ordinal in places for file in rows[int(ordinal)][0]]
