"""Pictures and recordings by API: taken in from leads and their programs, given to who judges them."""

import re
from collections.abc import Iterator
from typing import IO, Any, BinaryIO

from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response

from annotation import lookup, media
from annotation.models import Media
from evaltrack.accounts.roles import Permission as P
from evaltrack.api import ApiView
from evaltrack.errors import Invalid
from evaltrack.media import LARGEST, temporary
from evaltrack.media.copying import PART
from evaltrack.parsers import AudioParser, BytesParser, ImageParser

RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


class CampaignMedia(ApiView):
    permissions = {"POST": (P.MANAGE_CAMPAIGNS,)}
    parser_classes = (BytesParser, ImageParser, AudioParser)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY}, responses={201: dict, 200: dict}
    )
    def post(self, request, public_id):
        """Take in the file that is the body; items name it by the digest of what was sent.

        Its kind is read from its bytes. The same bytes again are answered with 200 and what is there already.
        """
        campaign = lookup.campaign_named(public_id, seen_by=request.user)
        with temporary() as file:
            receive(request.data, into=file)
            row, removed, is_new = media.take_in(campaign, file, by=request.user, at=self.at)
        return Response(summary(row, removed), status=201 if is_new else 200)


def summary(row: Media, removed: tuple[str, ...]) -> dict:
    return {
        row.kind: f"sha256:{row.digest}",
        "type": row.content_type,
        "size": row.size,
        "width": row.width or None,
        "height": row.height or None,
        "removed": list(removed),
    }


def receive(body, *, into: IO[bytes]) -> None:
    """The body, read a part at a time, and no further than any file may be long."""
    largest = max(LARGEST.values())
    size = 0
    while hasattr(body, "read") and (part := body.read(PART)):
        size += len(part)
        if size > largest:
            reason = f"is larger than {largest // 1_000_000} MB; send a smaller version"
            raise Invalid("unfit_media", f"The file {reason}.", {"body": [reason]})
        into.write(part)


class AnyType(DefaultContentNegotiation):
    """Which type a file has is not the caller's choice."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class AssignmentMedia(ApiView):
    permissions = {"GET": (P.JUDGE,)}
    content_negotiation_class = AnyType

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, assignment_id, place: int):
        """The file in that place of a task that is one's own, whole or the part that `Range` names.

        No header tells it from another file: neither a name nor a date nor a digest.
        """
        return file_answer(request, *media.opened(assignment_id, place, by=request.user, at=self.at))


def file_answer(request: Any, file: BinaryIO, known: dict[str, Any]) -> HttpResponse | StreamingHttpResponse:
    size = file.seek(0, 2)
    start, stop = 0, size
    response: HttpResponse | StreamingHttpResponse
    # With If-Range the caller holds a part by a validator, and we give none.
    asked = "" if "If-Range" in request.headers else request.headers.get("Range", "")
    if asked and (wanted := RANGE.fullmatch(asked)) and any(wanted.groups()):
        start, stop = part_of(size, *wanted.groups())
        if start >= stop:
            file.close()
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        response = StreamingHttpResponse(Part(file, start, stop), status=206)
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    else:
        response = StreamingHttpResponse(Part(file, start, stop))
    response["Content-Type"] = known["type"]
    response["Content-Length"] = str(stop - start)
    response["Content-Disposition"] = "inline"
    response["Accept-Ranges"] = "bytes"
    response["Cache-Control"] = "private, no-store"
    # A browser that shows the file alone, as without scripts, brings a style of its own.
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def part_of(size: int, first: str, last: str) -> tuple[int, int]:
    """From where to where; nothing where the part lies outside."""
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size


class Part:
    """Bytes of a file from `start` to `stop`; closed with the response, even where nobody reads it."""

    def __init__(self, file: BinaryIO, start: int, stop: int) -> None:
        self.file, self.left = file, stop - start
        file.seek(start)

    def __iter__(self) -> Iterator[bytes]:
        while self.left and (part := self.file.read(min(self.left, PART))):
            self.left -= len(part)
            yield part

    def close(self) -> None:
        self.file.close()
