"""Programming languages that are coloured: the common ones, and how code without a label is recognised."""

import re

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name

# A short list on purpose: each was run against hostile text (tests/rendering/test_code.py).
# The keys are what models write behind a fence.
LANGUAGES = {
    "bash": "bash", "sh": "bash", "shell": "bash", "zsh": "bash",
    "c": "c", "h": "c", "cpp": "cpp", "c++": "cpp", "csharp": "csharp", "cs": "csharp", "c#": "csharp",
    "css": "css", "diff": "diff", "patch": "diff", "go": "go", "golang": "go", "html": "html",
    "ini": "ini", "java": "java", "javascript": "javascript", "js": "javascript", "jsx": "javascript",
    "json": "json", "kotlin": "kotlin", "lua": "lua", "php": "php", "python": "python", "py": "python",
    "python3": "python", "r": "r", "ruby": "ruby", "rb": "ruby", "rust": "rust", "rs": "rust", "sql": "sql",
    "swift": "swift", "toml": "toml", "typescript": "typescript", "ts": "typescript", "tsx": "typescript",
    "xml": "xml", "svg": "xml", "yaml": "yaml", "yml": "yaml",
}  # fmt: skip

# Beginnings that hardly anything else has. Where none fits, code stays without colour; a wrong guess misleads.
_SIGNS = (
    ("bash", re.compile(r"#!.*\b(?:ba|z|da)?sh\b")),
    ("python", re.compile(r"#!.*\bpython")),
    ("xml", re.compile(r"<\?xml\b")),
    ("html", re.compile(r"<!doctype html|<html\b", re.IGNORECASE)),
    ("php", re.compile(r"<\?php\b")),
    ("diff", re.compile(r"diff --git |--- \S.*\n\+\+\+ \S")),
    ("json", re.compile(r'[{\[]\s*(?:"(?:[^"\\\n]|\\.){0,200}"\s*[:,\]]|[{\[]\s*")')),
    (
        "python",
        re.compile(
            r"(?m)^(?:async )?def \w+\([^\n]*\)[^\n]*:\s*$|^from [\w.]+ import |^class \w+[^\n]*:\s*$"
        ),
    ),
    ("go", re.compile(r"package \w+\s*\n")),
    ("rust", re.compile(r"(?m)^(?:pub )?fn \w+[^\n]*\{\s*$")),
    ("c", re.compile(r"(?m)^#include [<\"]")),
    ("java", re.compile(r"(?m)^(?:public|final|abstract) (?:class|interface|record) \w+")),
    (
        "sql",
        re.compile(r"(?i)(?:select\b.{1,500}?\bfrom\b|insert into \w|create (?:table|view) \w)", re.DOTALL),
    ),
)
_SEARCHED = {"python", "rust", "c", "java"}


def lexer(label: str) -> Lexer | None:
    """The lexer of a language, or None for one that is not coloured."""
    name = LANGUAGES.get(label)
    # Without these options Pygments would drop and add empty lines.
    return get_lexer_by_name(name, stripnl=False, ensurenl=False) if name else None


def guess(code: str) -> str:
    """The language of code without a label, or the empty string."""
    beginning = code[:4000].lstrip()
    for name, sign in _SIGNS:
        if sign.search(beginning) if name in _SEARCHED else sign.match(beginning):
            return name
    return ""
