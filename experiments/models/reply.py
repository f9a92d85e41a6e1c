"""What endpoints answered, whole."""

import zlib
from typing import Any

from django.db import models
from django.db.models import Q

from evaltrack.canonical import sha256_hex
from evaltrack.integrations.replies import Reply


class RawReply(models.Model):
    """The body of an endpoint's answer, without secrets and headers, named by its SHA-256. The same one is one row.

    `body` is compressed, `size` are its bytes before; `is_cut`: there was more than that. Append-only.
    """

    digest = models.CharField(max_length=64, primary_key=True)
    body = models.BinaryField()
    size = models.PositiveIntegerField()
    is_cut = models.BooleanField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="raw_reply_named_by_a_digest", condition=Q(digest__regex=r"^[0-9a-f]{64}$")
            )
        ]

    def __str__(self) -> str:
        return self.digest

    @classmethod
    def of(cls, reply: Reply) -> "RawReply":
        """Not stored yet."""
        return cls(
            digest=sha256_hex(reply.body),
            body=zlib.compress(reply.body),
            size=len(reply.body),
            is_cut=reply.is_cut,
        )

    def as_row(self) -> dict[str, Any]:
        return {"digest": self.digest, "body": self.body, "size": self.size, "is_cut": self.is_cut}

    def read(self) -> tuple[str, bool]:
        """Its text, and whether it has the digest that it is named by: nothing of it was changed."""
        try:
            body = zlib.decompress(self.body)
        except zlib.error:
            return "", False
        return body.decode(errors="replace"), sha256_hex(body) == self.digest
