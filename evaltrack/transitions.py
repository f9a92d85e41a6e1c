"""State machines as tables: which edges exist, and one compare-and-set that walks them."""

from collections.abc import Mapping
from typing import Any

from django.db import models

from evaltrack.errors import Conflict, InvalidTransition


class TransitionTable:
    """Allowed edges of a model's `status` column.

    >>> table = TransitionTable(Status, {Status.OPEN: {Status.CLOSED}})
    """

    def __init__(self, states: type[models.TextChoices], edges: Mapping[Any, set[Any]]) -> None:
        self.states = states
        self.edges = {state: frozenset(edges.get(state, ())) for state in states}

    def advance(self, row: models.Model, *, to: str, **changes: Any) -> None:
        """Move `row` to the state `to`, writing `changes` with it.

        The UPDATE asks for the state that the caller saw: where somebody else was faster no row matches,
        and the caller gets a Conflict instead of overwriting.
        """
        seen = row.status  # type: ignore[attr-defined]
        noun = row._meta.verbose_name
        if to not in self.edges[self.states(seen)]:
            raise InvalidTransition(
                "invalid_transition",
                f"This {noun} is {seen}; it cannot become {to}. Reload to see its state.",
            )
        manager = type(row)._default_manager
        if not manager.filter(pk=row.pk, status=seen).update(status=to, **changes):
            raise Conflict(
                "changed_meanwhile", f"This {noun} was changed by somebody else. Reload to see it."
            )
        row.status = to  # type: ignore[attr-defined]
        for name, value in changes.items():
            setattr(row, name, value)

    def terminal(self) -> set[Any]:
        return {state for state, onward in self.edges.items() if not onward}

    def mermaid(self) -> str:
        lines = ["stateDiagram-v2"]
        for state, onward in self.edges.items():
            lines += [f"    {state.value} --> {target.value}" for target in sorted(onward)]
        return "\n".join(lines)
