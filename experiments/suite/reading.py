"""Pure: reads the fields of a policy one by one."""

from typing import Any


class Reading:
    """Reads fields one by one and keeps what is wrong, so that all of it can be said at once."""

    def __init__(self) -> None:
        self.problems: dict[str, list[str]] = {}

    def wrong(self, path: str, sentence: str) -> None:
        self.problems.setdefault(path, []).append(sentence)

    def known(self, source: dict, names: Any, path: str) -> None:
        for name in sorted(set(source) - set(names)):
            self.wrong(f"{path}.{name}", "is unknown")

    def number(self, source: dict, name: str, default: float, low: float, high: float, path: str) -> float:
        value = source.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.wrong(f"{path}.{name}", f"must be a number from {low:g} to {high:g}")
            return default
        return value

    def flag(self, source: dict, name: str, path: str) -> bool:
        value = source.get(name, False)
        if not isinstance(value, bool):
            self.wrong(f"{path}.{name}", "must be true or false")
            return False
        return value

    def text(self, source: dict, name: str, longest: int, path: str) -> str:
        value = source.get(name, "")
        if not isinstance(value, str) or len(value) > longest:
            self.wrong(f"{path}.{name}", f"must be text of at most {longest} characters")
            return ""
        return value

    def word(self, source: dict, name: str, words: tuple[str, ...], path: str) -> str:
        value = source.get(name, words[0])
        if value not in words:
            self.wrong(f"{path}.{name}", f"must be one of {', '.join(words)}")
            return words[0]
        return value
