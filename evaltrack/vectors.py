"""A column of numbers in a row: one double each, which numpy reads without parsing."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Numbers = Sequence[float | None] | Vector


if TYPE_CHECKING:  # Django's fields take their types from the stubs alone

    class Field(models.Field[Numbers, Vector]):
        pass
else:
    Field = models.Field


class VectorField(Field):
    """Numbers as little-endian doubles, NaN where there is none; None stands for NaN where one is written.

    It is read as an array that cannot be written to. JSON would take three times the space, and parsing the 400
    vectors of a comparison took longer than comparing them.
    """

    def get_internal_type(self) -> str:
        return "BinaryField"

    def from_db_value(
        self, value: bytes | memoryview | None, expression: Any, connection: BaseDatabaseWrapper
    ) -> Vector | None:
        return None if value is None else np.frombuffer(bytes(value), dtype="<f8")

    def get_db_prep_value(
        self, value: Numbers | None, connection: BaseDatabaseWrapper, prepared: bool = False
    ) -> Any:
        binary = connection.Database.Binary  # type: ignore[attr-defined]
        return None if value is None else binary(np.array(value, dtype="<f8").tobytes())

    def value_to_string(self, obj: models.Model) -> str:
        return json.dumps(without_gaps(self.value_from_object(obj)))

    def to_python(self, value: Numbers | str) -> Numbers:
        return json.loads(value) if isinstance(value, str) else value


def without_gaps(values: Numbers) -> list[float | None]:
    """The numbers with None where there is none, as JSON has them."""
    return [None if np.isnan(value) else float(value) for value in np.array(values, dtype=float)]
