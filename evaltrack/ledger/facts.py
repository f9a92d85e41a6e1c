"""What may stand in an entry's hashed bytes, which nobody can ever erase. Pure."""

import math
import re
from typing import Any

# RFC 8785 writes numbers as JavaScript does: beyond this, neighbouring integers become one.
LARGEST_WHOLE_NUMBER = 2**53 - 1

# An address of the form git@host:path names a repository, not a person.
E_MAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}(?![\w.-]*:)")
ROLE = re.compile(r"[a-z][a-z0-9_]*")


class Unwritable(ValueError):
    """The caller asks for something that must not or cannot be hashed: a fault of the program."""


def checked_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """`facts` itself, or `Unwritable` with the place of the first value that cannot be written."""
    if not isinstance(facts, dict):
        raise Unwritable(f"facts are {type(facts).__name__}; give a dict.")
    check(facts, "facts")
    return facts


def check(value: Any, place: str) -> None:
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        check_text(value, place)
    elif isinstance(value, int | float):
        check_number(value, place)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise Unwritable(f"{place} has the key {key!r}; keys are text.")
            check_text(key, f"a key of {place}")
            check(item, f"{place}.{key}")
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            check(item, f"{place}[{position}]")
    else:
        raise Unwritable(f"{place} is a {type(value).__name__}; write it as text.")


def check_number(number: int | float, place: str) -> None:
    if isinstance(number, float) and not math.isfinite(number):
        raise Unwritable(f"{place} is {number}; only finite numbers can be written. Say why there is none.")
    # Floats too: 1e16 is written without an exponent, and is a whole number to whoever reads it back.
    if abs(number) > LARGEST_WHOLE_NUMBER:
        raise Unwritable(f"{place} is {number}; write numbers beyond 2^53 as text.")


def check_text(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Unwritable(f"{place} is not valid Unicode text; write a digest of its bytes instead.") from None
    if E_MAIL.search(text):
        raise Unwritable(
            f"{place} holds an e-mail address, and entries can never be erased. Name people by their id; "
            "what people type belongs in statements."
        )


def check_role(role: str) -> None:
    if not ROLE.fullmatch(role):
        raise Unwritable(f"The role is {role!r}; write a lower-case word, never a person's name.")
