"""The columns of a file: which there are, which are doubled or unknown, which an action misses. Each is told once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from bridge.actions import ACTIONS
from bridge.batch.cells import short
from bridge.batch.parameters import Cells, Problem, key_of
from bridge.batch.rows import Header, Mistake, Row
from bridge.model import Kind

if TYPE_CHECKING:
    from bridge.actions.action import Action

ACTION = "action"
STATE = "state"


class Columns:
    """The columns of one file; ``action`` is that of the rows that name none."""

    def __init__(self, file: str, action: Action | None) -> None:
        self._file = file
        self._action = action
        self._header: Header | None = None
        self._keys: frozenset[str] = frozenset()
        self._unknown: set[str] = set()
        self._missing: set[tuple[str, str]] = set()
        self.is_usable = True
        """Whether the rows can be looked at; without a column that says what is to be done they cannot."""

    def header(self, header: Header) -> Iterator[Mistake]:
        """What is wrong with a header."""
        self._header = header
        known = self._known()
        first: dict[str, str] = {}
        for column in header.columns:
            key = key_of(column)
            if not key:
                continue
            if key in first:
                yield Mistake(self._file, header.line, column.strip(), "The column is there twice.", "Take one out.")
            elif key not in known:
                self._unknown.add(key)
                yield Mistake(
                    self._file,
                    header.line,
                    column.strip(),
                    f"There is no {short(column.strip())}.",
                    self._near(key, known),
                )
            first.setdefault(key, column)
        self._keys = frozenset(first)
        if self._action is not None:
            for name, field in self._action.parameters.model_fields.items():
                if field.is_required():
                    yield from self.missing(self._action, name)
        elif not self._keys & {ACTION, STATE}:
            self.is_usable = False
            yield Mistake(
                self._file,
                header.line,
                ACTION,
                "Nothing says what is to be done.",
                "Add a column action, give --action, or add a column state for what is to be so.",
            )

    def cells(self, row: Row) -> tuple[dict[str, tuple[str, object]], list[Problem]]:
        """The cells of a row that were given, by their key, without those whose column is told already."""
        cells: dict[str, tuple[str, object]] = {}
        problems = []
        for column, value in row.cells:
            key = key_of(column)
            if key in cells and row.typed:
                problems.append(Problem(column, f"It is there twice, once as {short(column)}.", "Take one out."))
            if key in self._unknown or value is None or value == []:
                continue
            if row.typed or (isinstance(value, str) and value.strip()):
                cells.setdefault(key, (column, value))
        return cells, problems

    def missing(self, action: Action, name: str) -> Iterator[Mistake]:
        """A header that lacks the column of a parameter; nothing when it is there, or told."""
        if self.lacks(name) and self._header is not None and (action.name, name) not in self._missing:
            self._missing.add((action.name, name))
            yield Mistake(self._file, self._header.line, name, "The column is missing.", f"{action.name} needs it.")

    def lacks(self, name: str) -> bool:
        """Whether there is a header, and no column for a parameter."""
        return self._header is not None and key_of(name) not in self._keys

    def chosen(self, cells: Cells) -> tuple[Action | None, list[Problem]]:
        """The action that a row names, or else that of the file; neither when it is wrong, or when there is none."""
        if ACTION not in cells:
            return self._action, []
        try:
            action = change_named(str(cells[ACTION][1]))
        except ValueError as error:
            return None, [Problem(ACTION, *error.args)]
        if self._action is not None and action.name != self._action.name:
            return None, [
                Problem(ACTION, f"It is {action.name}, and --action is {self._action.name}.", "Leave one out.")
            ]
        return action, []

    def _known(self) -> dict[str, str]:
        """The columns that there can be, by their key."""
        actions = [self._action] if self._action else [one for one in ACTIONS.values() if one.kind is Kind.CHANGE]
        names = [ACTION, *([] if self._action else [STATE]), *_fields(actions)]
        return {key_of(name): name for name in names}

    def _near(self, key: str, known: dict[str, str]) -> str:
        near = [known[one] for one in difflib.get_close_matches(key[:100], known, n=2)]
        if near:
            return f"Did you mean {' or '.join(near)}?"
        if self._action is None:
            return "`exo-bridge actions NAME` says what an action takes."
        return f"There are {', '.join(known.values())}."


def change_named(name: str) -> Action:
    """The action of this name. Raises ValueError with what is wrong and what would be right."""
    wanted = name.strip().lower().replace(" ", ".", 1)
    action = ACTIONS.get(wanted)
    if action is None:
        raise ValueError(f"There is no action {short(name)}.", _hint(wanted[:100]))
    if action.kind is not Kind.CHANGE:
        raise ValueError(f"{action.name} only reads.", "The rows are for what changes something.")
    return action


@lru_cache(maxsize=256)  # a file that is wrong in one row is often wrong in all
def _hint(wanted: str) -> str:
    near = difflib.get_close_matches(wanted, ACTIONS, n=3)
    return f"Did you mean {' or '.join(near)}?" if near else "`exo-bridge actions` lists them."


def _fields(actions: Iterable[Action]) -> Iterator[str]:
    return (name for action in actions for name in action.parameters.model_fields)
