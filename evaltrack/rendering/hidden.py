"""Characters that hide, or that change how the text around them reads, made visible."""

import functools
import html
import re
import unicodedata

# Letters by category that show nothing: fillers, joiners and the blank of Braille.
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
PLAIN_CONTROLS = frozenset("\n\t\r")

# Everything else is certainly visible; asking the Unicode tables about each letter is slow.
_CANDIDATE = re.compile(r"[^\x20-\x7e\n\t\r]")


def invisible(character: str) -> bool:
    """Whether a character hides, or changes how the text around it reads: controls, marks, separators, tags."""
    if character in PLAIN_CONTROLS:
        return False
    variation = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return (
        variation
        or character in BLANK
        or unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp", "Co", "Cs"}
    )


@functools.lru_cache(maxsize=4096)
def _token(character: str) -> str:
    return f"⟦U+{ord(character):04X}⟧" if invisible(character) else character


def visible(text: str) -> str:
    """The text with ⟦U+202E⟧ and the like where a character would not be seen."""
    return _CANDIDATE.sub(lambda found: _token(found[0]), text)


def shown(text: str) -> str:
    """The text as it is drawn: \\r\\n and a lone \\r are \\n, as every browser has them, and nothing hides."""
    return visible(text.replace("\r\n", "\n").replace("\r", "\n"))


def escaped(text: str) -> str:
    """`shown`, for a place between tags."""
    return html.escape(shown(text))
