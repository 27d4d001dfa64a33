"""Rows as items: calls and wishes, or what is wrong with the rows. Nothing is connected, nothing is sent.

Rules:

- A column is a parameter of the action: ``user_name``, ``user-name`` and ``UserName`` are the same. The column
  ``action`` names the action of each row; ``--action`` does for all rows without. A row with neither is desired state.
- An empty cell of a CSV was not given; the settings stand in for it as they do on a command line.
- Everything that is wrong is told, not only the first. What holds for a whole column is told once, at the header.
- Items come as they are read. What only the whole file shows comes at its end: wishes, rows that are there twice, which
  are told and not refused, and rows that contradict each other. So a file is surveyed before any of its items is used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.actions import ACTIONS
from bridge.batch.columns import ACTION, STATE, Columns, change_named
from bridge.batch.desired import ABSENT, EXACTLY, Wish
from bridge.batch.desired_rows import DesiredRows, state_of
from bridge.batch.doubles import Doubles
from bridge.batch.parameters import Cells, Problem, calls_of, key_of, read_cells
from bridge.batch.reading import read_entries
from bridge.batch.rows import Entry, Header, Mistake, Notice, Row
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.actions.action import Action
    from bridge.model import Call

Defaults = Callable[["Action"], Mapping[str, Any]]
"""The values of the settings that stand in for what is not given to an action."""


@dataclass(frozen=True)
class Item:
    """One call, and the line on which the file asks for it."""

    call: Call
    line: int


Found = Item | Wish | Mistake | Notice


@dataclass(frozen=True)
class Survey:
    """All that is wrong with a file, by line, and how many items it has by action; ``wishes`` counts groups."""

    counts: Mapping[str, int]
    wishes: int
    mistakes: list[Mistake] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def no_defaults(_action: Action) -> Mapping[str, Any]:
    """Nothing stands in for what is not given."""
    return {}


def survey(
    file: Path, action: str | None = None, *, encoding: str | None = None, defaults: Defaults = no_defaults
) -> Survey:
    """Read a whole file and say what is in it and what is wrong. Raises UsageError as ``read_items`` does."""
    counts: Counter[str] = Counter()
    wishes = 0
    mistakes: list[Mistake] = []
    notices: list[Notice] = []
    for found in read_items(file, action, encoding=encoding, defaults=defaults):
        match found:
            case Item():
                counts[found.call.action] += 1
            case Wish():
                wishes += 1
            case Mistake():
                mistakes.append(found)
            case Notice():
                notices.append(found)
    if not (counts or wishes or mistakes):
        mistakes.append(Mistake(file.name, 1, "", "There is no row in the file."))
    # Of one line they are in the order of its columns already.
    return Survey(counts, wishes, sorted(mistakes, key=lambda one: one.line), sorted(notices, key=lambda one: one.line))


def read_items(
    file: Path, action: str | None = None, *, encoding: str | None = None, defaults: Defaults = no_defaults
) -> Iterator[Found]:
    """The items of a file as they are read, with what is wrong with it.

    ``action`` is that of rows that name none. Raises UsageError when there is no such action that changes something,
    and as ``read_entries`` does.
    """
    try:
        chosen = change_named(action) if action is not None else None
    except ValueError as error:
        raise UsageError("--action: " + " ".join(error.args)) from None
    return check(read_entries(file, encoding), file.name, chosen, defaults)


def check(
    entries: Iterable[Entry], file: str, action: Action | None = None, defaults: Defaults = no_defaults
) -> Iterator[Found]:
    """The items of entries that were read from ``file``, with what is wrong with them."""
    rows = _Check(file, action, defaults)
    for entry in entries:
        match entry:
            case Header():
                yield from rows.columns.header(entry)
            case Row():
                yield from rows.row(entry)
            case _:
                yield entry
    yield from rows.end()


class _Check:
    """One pass over a file."""

    def __init__(self, file: str, action: Action | None, defaults: Defaults) -> None:
        self._file = file
        self._defaults = defaults
        self._doubles = Doubles()
        self._desired = DesiredRows(file, self._doubles)
        self.columns = Columns(file, action)

    def row(self, row: Row) -> Iterator[Found]:
        """The items of one row, or what is wrong with it."""
        if row.mistakes:
            yield from row.mistakes
            return
        cells, problems = self.columns.cells(row)
        if not self.columns.is_usable or not (cells or row.typed):
            yield from self._mistakes(row, cells, problems)
            return
        action, more = self.columns.chosen(cells)
        calls: list[Call] = []
        if action is not None:
            own = {key: cell for key, cell in cells.items() if key != ACTION}
            calls, more = self._calls(action, own, row)
        elif not more:
            yield from self._wanted(row, cells, problems)
            return
        yield from self._mistakes(row, cells, problems + more, action)
        if not problems and not more:
            for call in calls:
                self._doubles.add(_about(call), row.line)
                yield Item(call, row.line)

    def _wanted(self, row: Row, cells: Cells, problems: list[Problem]) -> Iterator[Found]:
        """A row without an action: what is to be so."""
        if STATE not in cells:
            problem = Problem(ACTION, "It does not say what is to be done.", "Give an action, or a state.")
            yield from self._mistakes(row, cells, [*problems, problem])
            return
        state, pair, more = state_of(cells)
        if pair is None or more:
            yield from self._mistakes(row, cells, problems + more)
            return
        action = ACTIONS[pair.revoke if state == ABSENT else pair.grant]
        own = {key: cell for key, cell in cells.items() if key != STATE}
        calls, more = self._calls(action, own, row, several="member" if state == EXACTLY else "")
        yield from self._mistakes(row, cells, problems + more, action)
        if not problems and not more:
            yield from self._desired.note(pair, state, calls, row.line)
            if state != EXACTLY:
                yield from (Item(call, row.line) for call in calls)

    def _calls(self, action: Action, cells: Cells, row: Row, several: str = "") -> tuple[list[Call], list[Problem]]:
        """The calls of a row, or what is wrong with its cells; one for each value of ``several``."""
        given, problems = read_cells(action, cells, typed=row.typed, several=several)
        wrong = {problem.name for problem in problems}
        calls: list[Call] = []
        for value in given.get(several) or [None]:
            one = given if value is None else {**given, several: value}
            made, more = calls_of(action, one, self._defaults(action), apart_from=wrong)
            calls += made
            problems += [problem for problem in more if problem not in problems]
        return calls, problems

    def _mistakes(
        self, row: Row, cells: Cells, problems: list[Problem], action: Action | None = None
    ) -> Iterator[Mistake]:
        """Problems with the columns as the file names them, in its order."""
        order = {key: position for position, key in enumerate(cells)}
        for problem in sorted(problems, key=lambda one: order.get(key_of(one.name), len(order))):
            if problem.is_missing and action is not None and self.columns.lacks(problem.name):
                yield from self.columns.missing(action, problem.name)
            else:
                column, _ = cells.get(key_of(problem.name), (problem.name, None))
                yield Mistake(self._file, row.line, column.strip(), problem.message, problem.fix)

    def end(self) -> Iterator[Found]:
        """What only the whole file shows."""
        yield from self._desired.wishes()
        for line, first, is_same in self._doubles.found():
            if is_same:
                yield Notice(self._file, line, "", f"It says the same as line {first}.")
            else:
                yield Mistake(
                    self._file, line, STATE, f"It contradicts line {first}, about the same.", "Take one of them out."
                )


def _about(call: Call) -> tuple[object, ...]:
    """What makes two calls the same."""
    return call.action, *sorted(
        (name, tuple(value) if isinstance(value, list) else value) for name, value in call.parameters.items()
    )
