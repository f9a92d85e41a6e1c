"""What a campaign asks of who judges it, and what somebody lacks of it. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from evaltrack.accounts import languages


@dataclass(frozen=True)
class Missing:
    """What somebody lacks for a campaign: skills by their slug, and the language if that is it."""

    skills: tuple[str, ...] = ()
    language: str = ""

    def __bool__(self) -> bool:
        return bool(self.skills or self.language)


def missing(
    *, skills: Collection[str], language: str, has: Collection[str], reads: Collection[str]
) -> Missing:
    """`skills` and `language` are asked for; somebody `has` skills and `reads` languages."""
    lacks_language = bool(language) and not any(languages.covers(tag, language) for tag in reads)
    return Missing(
        tuple(sorted(set(skills) - set(has))),
        language if lacks_language else "",
    )
