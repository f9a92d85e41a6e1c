"""How bodies of API requests are read."""

import json

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, JSONParser

from evaltrack.canonical import DEEPEST, nested_beyond


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


class BytesParser(StreamParser):
    media_type = "application/octet-stream"


class ImageParser(StreamParser):
    media_type = "image/*"


class AudioParser(StreamParser):
    media_type = "audio/*"
