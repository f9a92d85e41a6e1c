"""The examples of a version on disk, each to be had by its position: memory does not grow with the dataset."""

import json
import tempfile
import weakref
from array import array
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

from datasets.examples import Example


class Spool:
    """Use as a context manager; leaving it, or being collected, takes the file away."""

    def __init__(self, examples: Iterable[Example]) -> None:
        self.file = tempfile.TemporaryFile(prefix="evaltrack-examples-")  # noqa: SIM115  closed by close()
        weakref.finalize(self, self.file.close)
        self.ends = array("Q", [0])
        try:
            for example in examples:
                self.file.write(json.dumps(example.as_json()).encode())
                self.ends.append(self.file.tell())
        except BaseException:
            self.file.close()
            raise

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, position: int) -> Example:
        start, end = self.ends[position], self.ends[position + 1]
        self.file.seek(start)
        row = json.loads(self.file.read(end - start))
        return Example(**{**row, "tags": tuple(row.get("tags", ()))})

    def __iter__(self) -> Iterator[Example]:
        return map(self.__getitem__, range(len(self)))

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
