"""Act: take in judgments that were made elsewhere, a file at a time, as a whole or not at all."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from annotation import lifecycle, policies, rubrics
from annotation.agreement import rollup
from annotation.blinding import exported
from annotation.formats import appraise, judged_elsewhere, other_tools
from annotation.formats.judged_elsewhere import Judged
from annotation.formats.left_out import LeftOut
from annotation.formats.mapping import Fields
from annotation.models import (
    Campaign,
    ImportedJudgment,
    ImportedRater,
    ImportedSource,
    ImportFormat,
    JudgmentImport,
)
from evaltrack.accounts.models import User
from evaltrack.errors import Conflict, refuse_if
from evaltrack.ledger.events import Event
from evaltrack.ledger.record import record
from evaltrack.ndjson import MOST_ERRORS, BrokenLines, LineError, bounded_lines

# Bounds the memory that importing takes, whatever the length of the file.
BATCH = 2000
USUAL = Fields()


@transaction.atomic
def take(
    campaign_id: int,
    file: IO[bytes],
    *,
    format: str,
    by: User,
    at: dt.datetime,
    fields: Fields = USUAL,
) -> tuple[JudgmentImport, bool]:
    """Import a file of judgments into a stand-alone pairwise campaign. Its row, and whether it is new.

    A file that the campaign has already, byte for byte, is not read again. `fields` says what means what in a file of
    another tool.
    """
    # Held to the end, so that two files number their raters one after the other.
    campaign = (
        Campaign.objects.select_for_update(of=("self",), no_key=True)
        .select_related("rubric")
        .get(pk=campaign_id)
    )
    refuse_if(policies.importing(by))
    lifecycle.refuse_unless_importable(campaign)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.seek(0)
    if before := campaign.imports.filter(sha256=sha256).first():
        refuse_unless_same(before, format, fields)
        return before, False
    row = JudgmentImport.objects.create(
        campaign=campaign,
        format=format,
        options=fields.as_json(),
        sha256=sha256,
        judgments=0,
        skipped=0,
        known=0,
        imported_by=by,
        imported_at=at,
    )
    left_out = LeftOut()
    try:
        row.judgments, row.known = add(row, judgments_in(file, campaign, format, fields, left_out, at=at))
    except BrokenLines as broken:
        raise broken.as_invalid() from None
    row.skipped, row.left_out = left_out.count, left_out.as_json()
    row.save(update_fields=["judgments", "known", "skipped", "left_out"])
    rollup.forget(campaign.pk)
    record(
        Event.JUDGMENTS_IMPORTED,
        by=by,
        subject=campaign,
        facts={
            "import": str(row.public_id),
            "format": format,
            "sha256": sha256,
            "judgments": row.judgments,
            "skipped": row.skipped,
            "known": row.known,
        }
        # Which answer was taken for which side decides what the file says.
        | ({"options": row.options} if row.options else {}),
        at=at,
    )
    return row, True


def refuse_unless_same(before: JudgmentImport, format: str, fields: Fields) -> None:
    if before.format != format:
        raise Conflict("imported_before", f"This file was imported before, as {before.format}.")
    if before.options != fields.as_json():
        raise Conflict(
            "imported_before",
            "This file was imported before, with other options. An import cannot be changed; import it into a new "
            "campaign.",
        )


def judgments_in(
    file: IO[bytes], campaign: Campaign, format: str, fields: Fields, left_out: LeftOut, *, at: dt.datetime
) -> Iterator[tuple[int, Judged]]:
    if format == ImportFormat.APPRAISE:
        return appraise.read_rankings(bounded_lines(file), left_out)
    criteria = [criterion.id for criterion in rubrics.of(campaign.rubric).criteria]
    if format == ImportFormat.NDJSON:
        return judged_elsewhere.read_judgments(bounded_lines(file), criteria, now=at)
    return other_tools.read_judgments(
        file,
        format,
        fields,
        criteria,
        left_out,
        look_up=lambda names: exported.pairs(campaign, names),
        now=at,
    )


@dataclass
class Names:
    """The raters and systems of a campaign, by what files call them."""

    campaign: Campaign
    raters: dict[str, int]
    sources: dict[str, int]
    keys: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, campaign: Campaign) -> "Names":
        return cls(
            campaign,
            dict(campaign.imported_raters.values_list("key", "pk")),
            dict(campaign.imported_sources.values_list("name", "pk")),
        )

    def key(self, rater: str) -> str:
        """Whoever does not know the campaign's seed cannot try names against it."""
        if rater not in self.keys:
            keyed = hmac.new(self.campaign.seed.encode(), rater.encode(), hashlib.sha256)
            self.keys[rater] = keyed.hexdigest()
        return self.keys[rater]

    def learn(self, judgments: list[Judged]) -> None:
        """Rows for names that are new, raters numbered as they come."""
        keys = dict.fromkeys(self.key(each.rater) for each in judgments)
        new = [key for key in keys if key not in self.raters]
        taken = len(self.raters)
        for rater in ImportedRater.objects.bulk_create(
            ImportedRater(campaign=self.campaign, key=key, number=number)
            for number, key in enumerate(new, start=taken + 1)
        ):
            self.raters[rater.key] = rater.pk
        named = dict.fromkeys(name for each in judgments for name in (each.left, each.right))
        for source in ImportedSource.objects.bulk_create(
            ImportedSource(campaign=self.campaign, name=name) for name in named if name not in self.sources
        ):
            self.sources[source.name] = source.pk


def imports_of(campaign: Campaign) -> QuerySet[JudgmentImport]:
    """Which files were taken in, in their order."""
    return campaign.imports.select_related("imported_by").order_by("pk")


def add(row: JudgmentImport, judgments: Iterator[tuple[int, Judged]]) -> tuple[int, int]:
    """Add each judgment. How many there were, and how many more are known already.

    Raises BrokenLines with every bad line: one that cannot be read, or that contradicts an earlier one.
    """
    names = Names.of(row.campaign)
    unit = ImportFormat(row.format).unit
    errors: list[LineError] = []
    added = known = 0
    try:
        while batch := list(islice(judgments, BATCH)):
            names.learn([judgment for _, judgment in batch])
            new, again, wrong = told_apart(batch, {}, unit)
            rows = [row_of(row, line, judgment, names) for line, judgment in new]
            try:
                with transaction.atomic():
                    ImportedJudgment.objects.bulk_create(rows)
            except IntegrityError:
                new, more, further = told_apart(new, stored(row, new, names), unit)
                again, wrong = again + more, wrong + further
                ImportedJudgment.objects.bulk_create(
                    row_of(row, line, judgment, names) for line, judgment in new
                )
            added, known, errors = added + len(new), known + again, errors + wrong
            if len(errors) >= MOST_ERRORS:
                break
    except BrokenLines as broken:
        errors += broken.errors
    if errors:
        raise BrokenLines(sorted(errors, key=lambda error: error.line)[:MOST_ERRORS])
    return added, known


# Where a judgment stands, and the judgment.
Said = tuple[str, Judged]


def told_apart(
    batch: list[tuple[int, Judged]], before: dict[str, Said], unit: str = "line"
) -> tuple[list[tuple[int, Judged]], int, list[LineError]]:
    """Those that are new, how many say once more what is known, and those that contradict it.

    `before` has, by identity, where a judgment stands and what it says. The database is asked for it only once it
    has refused something, see `tasks.refuse_repeated`.
    """
    seen = dict(before)
    new, again, wrong = [], 0, []
    for line, judgment in batch:
        if judgment.identity and (earlier := seen.get(judgment.identity)):
            where, said = earlier
            if said.said == judgment.said:
                again += 1
            else:
                reason = f"contradicts {where}, which is the same judgment"
                named = "" if unit == "line" else f"{unit} {line}"
                wrong.append(LineError(line, field_of(judgment, said), reason, named))
            continue
        if judgment.identity:
            seen[judgment.identity] = (f"{unit} {line}", judgment)
        new.append((line, judgment))
    return new, again, wrong


def field_of(judgment: Judged, before: Judged) -> str:
    """The first field that is not as it was."""
    fields = ("item", "rater", "responses", "preference", "answers")
    both = zip(fields, judgment.said, before.said, strict=True)
    return next(name for name, one, other in both if one != other)


def stored(row: JudgmentImport, batch: list[tuple[int, Judged]], names: Names) -> dict[str, Said]:
    """What the campaign has of these judgments already."""
    identities = [judgment.identity for _, judgment in batch if judgment.identity]
    rows = row.campaign.imported_judgments.filter(identity__in=identities).select_related(
        "batch", "rater", "left", "right"
    )
    # Names of raters are not kept; a rater of the file is known by the key.
    called = {names.key(judgment.rater): judgment.rater for _, judgment in batch}
    found: dict[str, Said] = {}
    for each in rows:
        judgment = Judged(
            each.item,
            called.get(each.rater.key, ""),
            each.left.name,
            each.right.name,
            each.choice,
            each.answers,
        )
        where = f"{ImportFormat(each.batch.format).unit} {each.line}"
        if each.batch_id != row.pk:
            where += f" of the import of {each.batch.imported_at:%Y-%m-%d %H:%M} UTC"
        found[str(each.identity)] = (where, judgment)
    return found


def row_of(row: JudgmentImport, line: int, judgment: Judged, names: Names) -> ImportedJudgment:
    return ImportedJudgment(
        batch=row,
        campaign=row.campaign,
        line=line,
        rater_id=names.raters[names.key(judgment.rater)],
        item=judgment.item,
        left_id=names.sources[judgment.left],
        right_id=names.sources[judgment.right],
        choice=judgment.choice,
        answers=dict(judgment.answers),
        judged_at=judgment.judged_at,
        identity=judgment.identity,
    )
