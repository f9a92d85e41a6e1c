"""Questions for endpoints that do not read them."""

from collections.abc import Iterator

STORY = "A shop sells pencils in packs; each pack costs a little more than the one before, and so on. " * 2


def made(examples: int) -> Iterator[dict[str, str]]:
    """Of about the length of GSM8K's."""
    for n in range(examples):
        yield {"id": f"q{n}", "input": f"{STORY} What is the answer? It is {n}", "expected": str(n)}
