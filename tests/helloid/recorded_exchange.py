"""An ``answer.Exchange`` whose outcomes a test chooses, for what an organization does not do when it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bridge.model import Identity, Kind, OnRow, Outcome, Problem, Status
from bridge.problems import NOT_FOUND

Answers = Mapping[str, Callable[[Mapping[str, Any]], Outcome]]


class RecordedExchange:
    """Answers each action by its name with what a function makes of the parameters, and keeps what was asked.

    A change that has no function is made; a read that has none finds nothing.
    """

    def __init__(self, answers: Answers | None = None, defaults: Mapping[str, Any] | None = None) -> None:
        self._answers = answers or {}
        self._defaults = defaults or {}
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def change(self, action: str, **given: Any) -> Outcome:
        """One change."""
        self.asked.append((action, given))
        return self._answers[action](given) if action in self._answers else ended(Status.CHANGED)

    def read(self, action: str, **given: Any) -> Outcome:
        """One read."""
        self.asked.append((action, given))
        return self._answers[action](given) if action in self._answers else found()

    def each(self, action: str, on_row: OnRow, **given: Any) -> Outcome:
        """One read, row by row."""
        outcome = self.read(action, **given)
        for row in outcome.rows:
            on_row(row)
        return outcome

    def defaults(self, action: str) -> Mapping[str, Any]:
        """The same for each action."""
        return self._defaults

    def changes(self) -> list[tuple[str, str]]:
        """The changes that were asked for: each with the id of its group or mailbox, and the right where it has one."""
        kinds = ("grant", "revoke", "create", "set-regional", "set-folder-permission")
        return [
            (action, " ".join(str(given[key]) for key in ("group", "mailbox", "right", "name") if given.get(key)))
            for action, given in self.asked
            if action.partition(".")[2] in kinds
        ]


def ended(status: Status, *, code: str = "", **facts: Any) -> Outcome:
    """The outcome of a change."""
    problem = Problem(code, "The cause.", "The remedy.") if code else None
    return Outcome("an action", status, {}, problem=problem, **facts)


def found(*rows: dict[str, Any]) -> Outcome:
    """The outcome of a read."""
    return Outcome("a read", Status.UNCHANGED, {}, rows=rows, kind=Kind.READ)


def missing() -> Outcome:
    """The outcome of a change of something that does not exist."""
    return ended(Status.FAILED, code=NOT_FOUND.code)


def about(status: Status, *, name: str = "", reason: str = "", dry_run: bool = False, **state: Any) -> Outcome:
    """The outcome of a change with its object: an empty name is an object that does not exist."""
    identity = Identity("00000000-0000-0000-0000-000000000001" if name else "", name)
    return Outcome(
        "an action", status, {}, reason=reason, identity=identity, before=state, after=state, dry_run=dry_run
    )
