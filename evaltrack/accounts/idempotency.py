"""`Idempotency-Key`: the same key and body answers with the first result, another body is a conflict."""

import hashlib
import json
import tempfile
from functools import wraps
from typing import IO

from django.db import IntegrityError, transaction
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from evaltrack import clock
from evaltrack.accounts.models import IdempotentRequest
from evaltrack.canonical import sha256_hex
from evaltrack.errors import Conflict, Invalid
from evaltrack.parsers import JsonStreamParser

STREAMED = ("application/x-ndjson", "text/csv")


def is_streamed(view, request) -> bool:
    kind = request.content_type.partition(";")[0].strip()
    return kind in STREAMED or (
        kind == JsonStreamParser.media_type and JsonStreamParser in view.parser_classes
    )


def idempotent(method):
    """Decorate the `post` of an API view that creates something.

    The row of the key and the change itself are one transaction: after a crash either both are there or
    neither, and of two requests at the same moment the second waits for the first and gets its answer.
    """

    @wraps(method)
    def answered_once(view, request, *args, **kwargs):
        key = request.headers.get("Idempotency-Key", "")
        if not key:
            return method(view, request, *args, **kwargs)
        if len(key) > 200 or not key.isprintable():
            raise Invalid("bad_idempotency_key", "Idempotency-Key takes up to 200 printable characters.")
        # The body is read before the transaction begins: a slow upload must not hold the database.
        with tempfile.TemporaryFile() as spooled:
            digest = body_digest(view, request, spooled)
            asked = sha256_hex(request.get_full_path().encode() + b"\n" + digest)
            with transaction.atomic():
                try:
                    with transaction.atomic():
                        row = IdempotentRequest.objects.create(
                            user=request.user, key=key, request_digest=asked, created_at=clock.now()
                        )
                except IntegrityError:
                    return first_answer(request.user, key, asked)
                response = method(view, request, *args, **kwargs)
                # As it is sent: times and ids in their words, so that the second answer is the first.
                row.status_code, row.body = (
                    response.status_code,
                    json.loads(JSONRenderer().render(response.data)),
                )
                row.save(update_fields=["status_code", "body"])
                return response

    return answered_once


def body_digest(view, request, spooled: IO[bytes]) -> bytes:
    """SHA-256 of the body. A stream is put into `spooled` meanwhile, from which the view then reads it."""
    if not is_streamed(view, request):
        return hashlib.sha256(request._request.body).digest()
    found = hashlib.sha256()
    while part := request._request.read(1 << 20):
        found.update(part)
        spooled.write(part)
    spooled.seek(0)
    request._full_data = request._data = spooled
    return found.digest()


def first_answer(user, key: str, asked: str) -> Response:
    row = IdempotentRequest.objects.get(user=user, key=key)
    if row.request_digest != asked:
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Use a new key for a new request.",
        )
    return Response(row.body, status=row.status_code)
