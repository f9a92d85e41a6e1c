"""How bodies of API requests are read."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from rest_framework.exceptions import ParseError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser

from evaltrack.canonical import DEEPEST, nested_beyond
from evaltrack.ndjson import bounded_lines

IN_MEMORY = 1 << 20


class AnyAccepted(DefaultContentNegotiation):
    """Where the query says in which format something is sent, `Accept` decides nothing."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class StrictJsonParser(JSONParser):
    """JSON as the standard has it, nested no deeper than can be kept and hashed."""

    strict = True

    def parse(self, stream, media_type=None, parser_context=None):
        try:
            body = super().parse(stream, media_type, parser_context)
        except RecursionError:
            body = None
            too_deep = True
        else:
            too_deep = nested_beyond(body, DEEPEST)
        if too_deep:
            raise ParseError(f"This body is nested deeper than {DEEPEST} levels.")
        try:
            json.dumps(body, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ParseError("A text in this body has half a character (a lone surrogate).") from None
        return body


class StreamParser(BaseParser):
    """Hands the body on as a stream: it may be larger than memory."""

    def parse(self, stream, media_type=None, parser_context=None):
        return stream


class NdjsonParser(StreamParser):
    media_type = "application/x-ndjson"


class CsvParser(StreamParser):
    media_type = "text/csv"


class JsonStreamParser(StreamParser):
    """JSON that is not read as a whole: a long array."""

    media_type = "application/json"


@contextmanager
def received(request) -> Iterator[IO[bytes]]:
    """A body that is read as a stream, once all of it is here: a slow sender must not hold the database meanwhile."""
    with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as whole:
        if request.data:
            shutil.copyfileobj(request.data, whole)
            whole.seek(0)
        yield whole


@contextmanager
def received_lines(request) -> Iterator[Iterator[bytes]]:
    """The lines of such a body."""
    with received(request) as whole:
        yield bounded_lines(whole)


class BytesParser(StreamParser):
    media_type = "application/octet-stream"


class ImageParser(StreamParser):
    media_type = "image/*"


class AudioParser(StreamParser):
    media_type = "audio/*"
