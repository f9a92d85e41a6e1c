"""Canonical JSON (RFC 8785) and digests: the bytes that stand for a value wherever it is hashed."""

import hashlib
import json
from typing import Any

import rfc8785

# Beyond it not every whole number is one of a double's.
LARGEST_WHOLE = 2**53 - 1
PLAIN = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of `value`. Floats are rounded to 12 significant digits first.

    The last digits of a float differ between library versions and machines; twelve do not.
    """
    if is_plain(value):
        # Of these the standard encoder, which is in C, writes the same bytes.
        return PLAIN.encode(value).encode()
    return rfc8785.dumps(rounded(value))


def is_plain(value: Any) -> bool:
    """Whether a value holds nothing that RFC 8785 writes in a way of its own.

    That are numbers with a fraction, large ones, and names that it sorts otherwise than by code point.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return -LARGEST_WHOLE <= value <= LARGEST_WHOLE
    if kind is list or kind is tuple:
        return all(map(is_plain, value))
    if kind is dict:
        return all(type(name) is str and name.isascii() for name in value) and all(
            map(is_plain, value.values())
        )
    return False


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.12g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value


def sha256_hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digest(value: Any) -> str:
    """SHA-256 over the canonical JSON of `value`, in hexadecimal."""
    return sha256_hex(canonical_json(value))


# Deeper than people write; well within what Python, JSON libraries and databases can walk.
DEEPEST = 100


def nested_beyond(value: Any, most: int) -> bool:
    """Whether lists and objects are nested deeper than `most`; found without recursion."""
    level = [value]
    for _ in range(most + 1):
        containers = [inner for inner in level if isinstance(inner, dict | list)]
        if not containers:
            return False
        level = [
            inner
            for container in containers
            for inner in (container.values() if isinstance(container, dict) else container)
        ]
    return True
