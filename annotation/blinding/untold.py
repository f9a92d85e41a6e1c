"""Pure: what an export calls items and systems, by what its reader may be told yet."""

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

LETTERS = "abcdefghi"
OPAQUE_DIGITS = 16


@dataclass(frozen=True)
class Names:
    """`tells_systems`: nobody is asked any more. `tells_items`: the reader may see single examples. `is_single`: each
    task has one response, so that whatever tells tasks apart may tell systems apart.

    Untold, a system has a letter that is drawn anew for each task, so that letters add up to nothing, and an item is
    a keyed digest: by its name whoever had sent it could look up which system answered. The same export again has
    the same letters and digests.
    """

    seed: str
    tells_systems: bool = True
    tells_items: bool = True
    is_single: bool = False

    @property
    def hides_words(self) -> bool:
        """What somebody wrote about an item may tell which it is, and so which system."""
        return not (self.tells_systems and self.tells_items)

    def item(self, item: str) -> str:
        return self.opaque("item", item) if self.hides_words else item

    def task(self, public_id: object) -> str:
        return self.opaque("task", str(public_id)) if self.hides_words else str(public_id)

    def stratum(self, stratum: str) -> str | None:
        """Whoever sent the items named it, perhaps after the system that made them."""
        return None if self.is_single and not self.tells_systems else stratum

    def systems(self, task_key: str, sources: Iterable[str]) -> dict[str, str]:
        """What each system is called within a task."""
        named = sorted(sources)
        if self.tells_systems:
            return dict(zip(named, named, strict=True))
        drawn = sorted(named, key=lambda source: self.digest("system", task_key, source))
        return dict(zip(drawn, LETTERS, strict=False))

    def opaque(self, *names: str) -> str:
        return f"{names[0]}-{self.digest(*names)[:OPAQUE_DIGITS]}"

    def digest(self, *names: str) -> str:
        """Keyed with a secret of the campaign, and for exports alone: nothing else that is drawn tells it."""
        said = "\x1f".join(("export", *names)).encode()
        return hmac.new(self.seed.encode(), said, hashlib.sha256).hexdigest()
