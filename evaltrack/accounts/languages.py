"""Language tags by BCP 47: `de`, `pt-BR`, `zh-Hant-TW`. Pure."""

import re

LONGEST = 35
# Language, then script, region and variants. What is well formed is taken; no list of languages is kept here.
TAG = re.compile(
    r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?((?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*)",
    re.IGNORECASE,
)


def canonical(tag: str) -> str | None:
    """The tag as it is usually written, or None where it is none."""
    found = TAG.fullmatch(tag.strip()) if len(tag) <= LONGEST and tag.isascii() else None
    if found is None:
        return None
    language, script, region, variants = found.groups()
    parts = [language.lower(), script and script.title(), region and region.upper()]
    return "-".join(part for part in parts if part) + variants.lower()


def covers(spoken: str, wanted: str) -> bool:
    """Whether who reads `spoken` can judge what is in `wanted`: de-CH covers de, but de does not cover de-CH.

    RFC 4647 calls this basic filtering. Whoever asks for Swiss German means it; whoever asks for German takes any.
    """
    return spoken == wanted or spoken.startswith(f"{wanted}-")
