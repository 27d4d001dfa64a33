"""Whose turn it is: in which order the items of a run are begun, while others are under way.

Rules:

- Items about the same part of the same object, such as one member of a group, are done one after the other, in their
  order; see ``touching`` for what counts as the same. Others do not wait for them.
- An item that creates something, and one whose object the plan did not find because an earlier item creates it, has
  its turn when all before it are done, and those after it wait for its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from bridge.batch.touching import Change
from bridge.journal import Item


class Turns:
    """The items that are to be done, and those that are under way."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._todo = deque(items)
        self._under_way: dict[tuple[object, ...], deque[Item]] = {}
        self._is_alone = False

    @property
    def is_over(self) -> bool:
        """Whether all items are done."""
        return not self._todo and not self._under_way

    def waiting(self) -> list[Item]:
        """The items that were not begun, while none is under way."""
        return list(self._todo)

    def begin(self) -> Item | None:
        """The next item; None when there is none before another one is done, or no more."""
        while self._todo and not self._is_alone:
            item = self._todo[0]
            alone = _goes_alone(item)
            if alone and self._under_way:
                return None
            self._todo.popleft()
            part = _part(item)
            if part in self._under_way:
                self._under_way[part].append(item)
                continue
            self._under_way[part] = deque()
            self._is_alone = alone
            return item
        return None

    def done(self, item: Item) -> None:
        """An item that was begun is done."""
        self._todo.extendleft(reversed(self._under_way.pop(_part(item))))
        if _goes_alone(item):
            self._is_alone = False

    def not_begun(self, items: Iterable[Item]) -> None:
        """These were begun, and are to be begun anew, before all others."""
        for item in reversed(tuple(items)):
            self.done(item)
            self._todo.appendleft(item)


def _goes_alone(item: Item) -> bool:
    return item.planned.call.creates or not item.planned.identity


def _part(item: Item) -> tuple[object, ...]:
    planned = item.planned
    if not planned.identity:
        return (planned.object,)
    return Change(planned.identity, planned.expected, planned.wanted).part
