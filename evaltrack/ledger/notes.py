"""Checkpoints as text: a C2SP tlog-checkpoint in a signed note with Ed25519. Pure.

https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note. The body is three lines: origin,
size in decimal, root in Base64. A blank line and the signature lines follow.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
SIGNATURE = re.compile(r"— (\S+) ([A-Za-z0-9+/=]+)")


class BadNote(ValueError):
    """Not a checkpoint, or not signed by a key that was asked for."""


@dataclass(frozen=True)
class Body:
    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_id(name: str, key: Ed25519PublicKey) -> bytes:
    """The first four bytes of SHA-256(name || 0x0A || 0x01 || public key)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + key.public_bytes_raw()).digest()[:4]


def signed(body: Body, key: Ed25519PrivateKey) -> str:
    # The signature covers the body with its last newline, without the blank line.
    signature = key_id(body.origin, key.public_key()) + key.sign(body.text().encode())
    return f"{body.text()}\n— {body.origin} {base64.b64encode(signature).decode()}\n"


def verify_note(text: str, public_key: Ed25519PublicKey | Iterable[Ed25519PublicKey]) -> Body:
    """What the note says, if one of these keys signed it under its origin's name; else `BadNote`.

    Signatures of others, such as witnesses, are passed over. One that claims a known key and does not
    hold spoils the note.
    """
    body_text, body, signatures = parsed(text)
    keys = [public_key] if isinstance(public_key, Ed25519PublicKey) else list(public_key)
    known = {key_id(body.origin, key): key for key in keys}
    verified = False
    for name, signature in signatures:
        key = known.get(signature[:4])
        if name != body.origin or key is None:
            continue
        try:
            key.verify(signature[4:], body_text.encode())
        except InvalidSignature:
            raise BadNote("The signature does not fit the text.") from None
        verified = True
    if not verified:
        raise BadNote("No signature is by a known key.")
    return body


def parsed(text: str) -> tuple[str, Body, list[tuple[str, bytes]]]:
    """The body as it was signed, the body as values, and the signatures; no signature is checked."""
    content, blank, tail = text.rpartition("\n\n")
    if not blank or not tail.endswith("\n") or any(ord(sign) < 32 and sign != "\n" for sign in text):
        raise BadNote("This is not a signed note: a body, a blank line and signature lines.")
    lines = content.split("\n")
    if len(lines) < 3 or not all(lines) or not re.fullmatch(r"0|[1-9][0-9]{0,17}", lines[1]):
        raise BadNote("This is not a checkpoint: origin, size in decimal and root in Base64, a line each.")
    root = decoded(lines[2])
    if len(root) != 32:
        raise BadNote("The root is not a SHA-256 hash in Base64.")
    signatures = []
    for line in tail.removesuffix("\n").split("\n"):
        match = SIGNATURE.fullmatch(line)
        if match is None:
            raise BadNote("A signature line is malformed.")
        signatures.append((match[1], decoded(match[2])))
    return content + "\n", Body(lines[0], int(lines[1]), root), signatures


def decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadNote("Something that should be Base64 is not.") from None


def verifier_key(name: str, key: Ed25519PublicKey) -> str:
    """The public key as one word, in the form that C2SP tools read: name+key id+key."""
    encoded = base64.b64encode(ED25519 + key.public_bytes_raw()).decode()
    return f"{name}+{key_id(name, key).hex()}+{encoded}"


def from_verifier_key(word: str) -> Ed25519PublicKey:
    parts = word.strip().split("+", 2)
    content = decoded(parts[2]) if len(parts) == 3 else b""
    if len(content) != 33 or content[:1] != ED25519:
        raise BadNote("This is not an Ed25519 verifier key: name+key id+key in Base64.")
    key = Ed25519PublicKey.from_public_bytes(content[1:])
    if key_id(parts[0], key).hex() != parts[1]:
        raise BadNote("The key id does not belong to this name and key.")
    return key
