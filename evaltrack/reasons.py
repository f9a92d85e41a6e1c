"""Reasons that people type for a decision: long enough to say something, and fit to be kept."""

from evaltrack.errors import Invalid

SHORTEST = 10
LONGEST = 5000


def checked(reason: str) -> str:
    """`reason` without blanks around it, or Invalid with the sentence for its field."""
    reason = reason.strip()
    if len(reason) < SHORTEST:
        raise refused(
            "reason_too_short", f"Give a reason of at least {SHORTEST} characters; the ledger keeps it."
        )
    if len(reason) > LONGEST:
        raise refused("reason_too_long", f"Give a reason of at most {LONGEST} characters.")
    if "\x00" in reason or not encodable(reason):
        raise refused(
            "unwritable_reason",
            "The reason holds characters that cannot be stored. Type it again without them.",
        )
    return reason


def refused(code: str, sentence: str) -> Invalid:
    return Invalid(code, sentence, {"reason": [sentence]})


def encodable(text: str) -> bool:
    """Lone surrogates, which JSON lets through, have no UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
