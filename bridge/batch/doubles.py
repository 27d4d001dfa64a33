"""Rows that are there twice, or that contradict each other, in a file of any length: 17 bytes an item."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterator

# They are compared in this many parts, so that few of them are Python objects at a time.
_PARTS = 16

DOING = 0
"""The state of what is to be done and not to be so; it contradicts nothing."""


class Doubles:
    """Takes what each item is about, and at the end tells which are about the same."""

    def __init__(self) -> None:
        self._hashes = array("q")
        self._lines = array("Q")
        self._states = array("b")

    def add(self, about: Hashable, line: int, state: int = DOING) -> None:
        """An item on this line; ``state`` is a small number, the same for the same wish."""
        # 64 bits: among a million items the chance that two different ones look the same is 1 in 30 million.
        self._hashes.append(hash(about))
        self._lines.append(line)
        self._states.append(state)

    def found(self) -> Iterator[tuple[int, int, bool]]:
        """For each item that is not the first about the same: its line, the first's, whether both want the same."""
        for part in range(_PARTS):
            firsts: dict[int, int] = {}
            for index, about in enumerate(self._hashes):
                if about % _PARTS == part and (first := firsts.setdefault(about, index)) != index:
                    yield self._lines[index], self._lines[first], self._states[index] == self._states[first]
