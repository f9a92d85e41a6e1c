"""Pure: reads the fields of a configuration one by one and keeps what is wrong, so that all can be said at once."""

from typing import Any


class Reading:
    """`path` below is a section and a field, such as `target.base_url`."""

    def __init__(self, configuration: Any) -> None:
        self.problems: dict[str, list[str]] = {}
        self.configuration: dict[str, Any] = {}
        if isinstance(configuration, dict):
            self.configuration = configuration
        else:
            self.wrong("configuration", "must be an object with target, and what its kind reads besides")

    def wrong(self, path: str, sentence: str) -> None:
        told = self.problems.setdefault(path, [])
        if sentence not in told:
            told.append(sentence)

    def section(self, name: str) -> dict[str, Any]:
        value = self.configuration.get(name, {})
        if not isinstance(value, dict):
            self.wrong(name, "must be an object")
            return {}
        return value

    def field(self, path: str, default: Any) -> Any:
        section, _, name = path.partition(".")
        return self.section(section).get(name, default)

    def text(self, path: str, *, longest: int | None = None) -> str:
        """A text that must be there."""
        value = self.field(path, "")
        if not isinstance(value, str) or not value:
            self.wrong(path, "is missing")
            return ""
        if longest is not None and len(value) > longest:
            self.wrong(path, f"is longer than {longest} characters")
        return value

    def text_or(self, path: str, default: str) -> str:
        value = self.field(path, default)
        if not isinstance(value, str):
            self.wrong(path, "must be text")
            return default
        return value

    def variable(self, path: str) -> str:
        """The name of an environment variable, or nothing."""
        value = self.field(path, "")
        if not isinstance(value, str):
            self.wrong(path, "must be the name of an environment variable")
            return ""
        return value

    def whole(self, path: str, *, default: int, most: int) -> int:
        value = self.field(path, None)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            self.wrong(path, f"must be a whole number from 1 to {most}")
            return default
        return value
