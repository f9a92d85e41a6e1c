"""Pure: rankings as Appraise wrote them for the Conference on Machine Translation, in CSV.

A row ranks two systems or more on a segment: `system1Id, system1rank, system2Id, system2rank, …`. Each pair of
them is a judgment. 1 is best, equal ranks are a tie, and −1 says that the judge skipped it.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from annotation.formats.judged_elsewhere import LEFT, LONGEST_RATER, LONGEST_SOURCE, RIGHT, Judged, identified
from annotation.formats.left_out import LeftOut
from annotation.items import LONGEST_NAME, RESERVED
from evaltrack.fields import WrongField
from evaltrack.ndjson import LONGEST_LINE, MOST_ERRORS, BrokenLines, LineError

SYSTEM = re.compile(r"system(\d+)id", re.IGNORECASE)
RANK = re.compile(r"-?[0-9]{1,4}")
SKIPPED = -1


@dataclass(frozen=True)
class Columns:
    """Where in a row what stands, by the header: names differ in case between years."""

    segment: int
    judge: int
    # Id and rank of each system.
    systems: tuple[tuple[int, int], ...]
    languages: tuple[int, ...] = ()
    ranking: int | None = None
    names: Mapping[int, str] = field(default_factory=dict)


def read_rankings(lines: Iterable[bytes], left_out: LeftOut) -> Iterator[tuple[int, Judged]]:
    """Judgments with their line numbers; what was skipped is counted. Raises BrokenLines at the end if any line
    was bad."""
    errors: list[LineError] = []
    rows = csv.reader(decoded(lines), strict=True)
    columns: Columns | None = None
    found = False
    while True:
        try:
            row = next(rows, None)
            if row is None:
                break
            if not row:
                continue
            if columns is None:
                columns = columns_of(row)
                continue
            for judgment in pairs_of(row, columns, left_out):
                found = True
                if not errors:
                    yield rows.line_num, judgment
        except WrongField as wrong:
            errors.append(LineError(max(rows.line_num, 1), wrong.field, wrong.reason))
            if columns is None:
                break
        except BrokenLines as broken:
            errors += broken.errors
            break
        except csv.Error as error:
            # What follows a broken quotation cannot be told apart.
            errors.append(LineError(max(rows.line_num, 1), "", f"not CSV: {error}"))
            break
        if len(errors) >= MOST_ERRORS:
            break
    if not errors and not found:
        errors.append(LineError(max(rows.line_num, 1), "", "there is no judgment that was not skipped"))
    if errors:
        raise BrokenLines(errors)


def decoded(lines: Iterable[bytes]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if len(line) > LONGEST_LINE:
            raise BrokenLines([LineError(number, "", f"longer than {LONGEST_LINE} bytes")])
        try:
            read = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise BrokenLines([LineError(number, "", "not UTF-8")]) from None
        if "\x00" in read:
            raise BrokenLines([LineError(number, "", "holds a NUL character; remove it")])
        yield read


def columns_of(header: list[str]) -> Columns:
    places = {name.strip().lower(): place for place, name in enumerate(header)}

    def place_of(name: str) -> int:
        if name.lower() not in places:
            raise WrongField(name, "is missing; the first line must name the columns as Appraise does")
        return places[name.lower()]

    numbers = sorted(int(named[1]) for name in places if (named := SYSTEM.fullmatch(name)))
    systems = tuple((place_of(f"system{n}Id"), place_of(f"system{n}rank")) for n in numbers)
    if len(systems) < 2:
        raise WrongField("system2Id", "is missing; a row ranks two systems or more")
    return Columns(
        segment=place_of("segmentId"),
        judge=place_of("judgeID"),
        systems=systems,
        languages=tuple(places[name] for name in ("srclang", "trglang") if name in places),
        ranking=places.get("rankingid"),
        names=dict(enumerate(header)),
    )


def pairs_of(row: list[str], columns: Columns, left_out: LeftOut) -> list[Judged]:
    """What a row says of each pair of its systems."""
    if len(row) != len(columns.names):
        raise WrongField("", f"has {len(row)} columns where the first line names {len(columns.names)}")
    segment = cell(row, columns, columns.segment, LONGEST_NAME)
    # A segment's number is of its text, and so of its languages.
    item = " ".join(["-".join(cell(row, columns, place, 40) for place in columns.languages), segment]).strip()
    if len(item) > LONGEST_NAME:
        raise WrongField(columns.names[columns.segment], f"takes up to {LONGEST_NAME} characters")
    judge = cell(row, columns, columns.judge, LONGEST_RATER)
    ranking = "" if columns.ranking is None else row[columns.ranking]
    ranked = [
        (cell(row, columns, name, LONGEST_SOURCE), rank_of(row[rank], columns.names[rank]), name)
        for name, rank in columns.systems
    ]
    found = []
    for (left, first, _), (right, second, place) in combinations(ranked, 2):
        if left == right:
            raise WrongField(columns.names[place], "must be another system than those before it")
        if SKIPPED in (first, second):
            left_out.leave("skipped")
            continue
        choice = "tie" if first == second else LEFT if first < second else RIGHT
        identity = None
        if ranking:
            identity = identified("appraise", ranking, judge, item, *sorted((left, right)))
        found.append(Judged(item, judge, left, right, choice, identity=identity))
    return found


def cell(row: list[str], columns: Columns, place: int, longest: int) -> str:
    value = row[place].strip()
    if not value:
        raise WrongField(columns.names[place], "is empty")
    if len(value) > longest:
        raise WrongField(columns.names[place], f"takes up to {longest} characters")
    if value in RESERVED:
        raise WrongField(columns.names[place], f"{value} is an answer, and so cannot be a name")
    return value


def rank_of(value: str, column: str) -> int:
    rank = int(value) if RANK.fullmatch(value.strip()) else 0
    if rank != SKIPPED and rank < 1:
        raise WrongField(column, "must be a rank from 1 up, or -1 where the judge skipped it")
    return rank
