"""Which changes are about the same: what one of them left is what the next one finds.

Rules: the ids in the state of an object say what of it is meant, such as one member of a group. What is equal before
and after in both changes and differs between them, such as the right in question, tells them apart too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

State = Mapping[str, Any]

_MOST_PARTS = 5_000
"""So many are kept, so that a run of any length needs the same memory."""


@dataclass(frozen=True)
class Change:
    """What a change of the object with this id did: its state before and after."""

    identity: str
    before: State
    after: State

    @property
    def part(self) -> tuple[object, ...]:
        """The object, and what of it is meant."""
        ids = sorted((name, str(value)) for name, value in self.before.items() if name.endswith("_id"))
        return self.identity, *ids

    def constants(self) -> dict[str, Any]:
        """What was the same before and after."""
        return {name: value for name, value in self.before.items() if self.after.get(name) == value}

    def changed(self) -> dict[str, Any]:
        """What is different now."""
        return {name: value for name, value in self.after.items() if self.before.get(name) != value}


class Changes:
    """The changes that were made, in their order: those of the parts that were touched last."""

    def __init__(self) -> None:
        self._changes: dict[tuple[object, ...], list[Change]] = {}
        self.has_forgotten = False

    def __contains__(self, change: Change) -> bool:
        return change.part in self._changes

    def add(self, change: Change) -> None:
        """One more, after the others."""
        earlier = self._changes.pop(change.part, [])
        self._changes[change.part] = [*earlier, change]
        if len(self._changes) > _MOST_PARTS:
            del self._changes[next(iter(self._changes))]
            self.has_forgotten = True

    def left(self, change: Change) -> dict[str, Any]:
        """What the changes so far made of the state that ``change`` begins with; empty when none touched it."""
        left: dict[str, Any] = {}
        for earlier in self._changes.get(change.part, ()):
            constants, others = change.constants(), earlier.constants()
            if all(constants[name] == others[name] for name in constants.keys() & others.keys()):
                left |= {name: value for name, value in earlier.changed().items() if name in change.before}
        return left
