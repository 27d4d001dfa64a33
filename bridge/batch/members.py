"""The members of groups, read once for all that need them: what is so already, wishes, and limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from bridge.actions import ACTIONS
from bridge.batch.guards import REMOVES_MEMBER
from bridge.batch.plan import Plan
from bridge.model import Call, Outcome, Status

Run = Callable[[Iterable[Call]], Iterator[Outcome]]
"""Runs calls that change nothing, reads and dry runs, in one session; one outcome for each, in their order.

Calls may be taken from the iterable ahead of their outcomes. Raises what ends all: AgentError, ExchangeError,
Interrupted.
"""


class Members:
    """The members of groups as they were when each was first asked for. Groups go by the name that asks."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._read: dict[str, Outcome] = {}

    def read(self, group: str) -> Outcome:
        """How reading this group ended; its rows are those of ``group.members``."""
        key = group.casefold()
        if key not in self._read:
            (self._read[key],) = self._run(ACTIONS["group.members"].calls({"group": group}))
        return self._read[key]

    def known(self, *names: str) -> Outcome | None:
        """What was read under one of these names; nothing is read."""
        return next((self._read[name.casefold()] for name in names if name.casefold() in self._read), None)


def by_name(rows: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Members by id and by primary address, both in small letters."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        for name in (row.get("primary_smtp_address"), row["id"]):
            if name:
                found[str(name).lower()] = row
    return found


def group_sizes(plan: Plan, members: Members) -> dict[str, int | None]:
    """The number of members of each group that loses one in a plan, by ``PlanItem.object``; None where it is not known.

    Reads each of these groups once, unless it was read already.
    """
    sizes: dict[str, int | None] = {}
    for item in plan.items:
        if item.changes and item.call.action == REMOVES_MEMBER and item.object not in sizes:
            found = members.known(item.object, item.call.parameters["group"]) or members.read(item.object)
            sizes[item.object] = len(found.rows) if found.status is Status.UNCHANGED else None
    return sizes
