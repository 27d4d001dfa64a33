"""Makes a plan: looks at the organization for each row of a file, and changes nothing.

Rules:

- Each call is a dry run, so the scripts themselves say what they would do. What fails stays in the plan as failed, with
  its problem; only when the agent or Exchange cannot be reached any more there is no plan.
- Each row is compared with the organization as it is now, not as the rows before it leave it. Two things are seen of
  them: a row that does the same to the same object is unchanged, and one that finds nothing under a name that an
  earlier row creates is planned as a change without the state before. What else that one names is not looked at, and
  there is nothing with which applying it could be compared (``PlanItem.is_compared``).
- Where several rows make somebody a member of the same group its members are read once, and who is among them under
  the file's name is a member already; only the others are looked at one by one.
- A wish for exactly these members has an item for each of them, then one for each who is too many. While one of them
  is not known nobody is taken out, and the plan says so.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.actions import ACTIONS
from bridge.batch.checking import Item
from bridge.batch.desired import MEMBERSHIP, Wish, resolve, unmatched
from bridge.batch.members import Members, Run, by_name
from bridge.batch.plan import PlanItem
from bridge.errors import AgentError
from bridge.model import Call, Outcome, Status
from bridge.outcomes import no_way_on
from bridge.runner import Runner

Progress = Callable[[int, int, str], None]
"""Told how many items are done, how many there are as far as is known, and what the last one was about."""

READ_ONCE_FROM = 3
"""So many rows about the members of one group make reading all of them worth while."""

_CREATED_NAMES = ("name", "address", "display_name")
_NOT_FOUND = "object-not-found"


def one_by_one(runner: Runner) -> Run:
    """The way to run calls one after the other. It raises AgentError when there is no way on."""

    def run(calls: Iterable[Call]) -> Iterator[Outcome]:
        for call in calls:
            outcome = runner.run(call)
            if outcome.problem is not None and no_way_on(outcome):
                raise AgentError(outcome.problem.message, remedy=outcome.problem.remedy)
            yield outcome

    return run


def plan_items(
    found: Iterable[Item | Wish], run: Run, members: Members, progress: Progress = lambda *_: None
) -> tuple[tuple[PlanItem, ...], tuple[str, ...]]:
    """The items of a plan for what stands in a file without mistakes, and sentences about what it leaves.

    Raises what ``run`` raises.
    """
    rows = list(found)
    items = [one for one in rows if isinstance(one, Item)]
    wishes = [one for one in rows if isinstance(one, Wish)]
    planning = _Planning(run, members, progress, len(items) + sum(len(wish.members) for wish in wishes))
    planned = planning.rows(items)
    for wish in wishes:
        planned += planning.wish(wish)
    return tuple(_within_file(planned)), tuple(planning.left)


class _Planning:
    """One plan in the making."""

    def __init__(self, run: Run, members: Members, progress: Progress, total: int) -> None:
        self._run = run
        self._members = members
        self._progress = progress
        self._total = total
        self._done = 0
        self.left: list[str] = []

    def rows(self, items: Sequence[Item]) -> list[PlanItem]:
        """Items in their order."""
        shared = Counter(_group(item.call) for item in items if item.call.action == MEMBERSHIP.grant)
        there = {group: self._names_in(group) for group, count in shared.items() if count >= READ_ONCE_FROM}
        known = [there.get(_group(item.call), {}).get(_member(item.call)) for item in items]
        looked = self._look(item.call for item, row in zip(items, known, strict=True) if row is None)
        return [
            PlanItem(_dry(item.call), next(looked) if row is None else self._already(item.call, row), item.line)
            for item, row in zip(items, known, strict=True)
        ]

    def wish(self, wish: Wish) -> list[PlanItem]:
        """A wish for exactly these members, as its calls."""
        read = self._members.read(wish.group)
        grants = {name: _grant(wish.group, name) for name in wish.members}
        if read.problem is not None:
            self._count(wish.group, len(grants))
            return [PlanItem(call, _failed_like(call, read), wish.line) for call in grants.values()]
        there = by_name(read.rows)
        unknown = unmatched(wish, read.rows)
        looked = dict(zip(unknown, self._look(grants[name] for name in unknown), strict=True))
        # A grant that was looked at says who it is about, whatever name the file has for them.
        ids = {name: str(seen.before["member_id"]) for name, seen in looked.items() if "member_id" in seen.before}
        planned = [
            PlanItem(call, looked[name] if name in looked else self._already(call, there[name.lower()]), wish.line)
            for name, call in grants.items()
        ]
        lost = [name for name in unknown if name not in ids]
        if lost:
            self.left.append(
                f"Nobody is taken out of {wish.group} (line {wish.line}), because it is not known who these members "
                f"are: {', '.join(lost)}."
            )
            return planned
        calls = [call for call in resolve(wish, read.rows, ids) if call.action == MEMBERSHIP.revoke]
        self._total += len(calls)
        outcomes = self._look(calls)
        return planned + [PlanItem(_dry(call), next(outcomes), wish.line) for call in calls]

    def _names_in(self, group: str) -> Mapping[str, Mapping[str, Any]]:
        """The members of a group by their names; none where they cannot be read: each row then says why by itself."""
        read = self._members.read(group)
        return {} if read.problem is not None else by_name(read.rows)

    def _already(self, call: Call, row: Mapping[str, Any]) -> Outcome:
        """The outcome of a grant to somebody who is a member under the name that was given."""
        self._count(call.parameters["member"])
        state = {"member_id": row["id"], "member_name": row["name"], "is_member": True}
        return _outcome(call, Status.UNCHANGED, reason="already a member", before=state, after=state)

    def _look(self, calls: Iterable[Call]) -> Iterator[Outcome]:
        """The outcomes of dry runs of these calls, in their order."""
        for outcome in self._run(_dry(call) for call in calls):
            self._count(str(next(iter(outcome.parameters.values()), "")))
            yield replace(outcome, rows=())

    def _count(self, about: str, count: int = 1) -> None:
        self._done += count
        self._progress(self._done, self._total, about)


def _within_file(items: Iterable[PlanItem]) -> Iterator[PlanItem]:
    """The items with what they have to do with those before them."""
    created: dict[str, int] = {}
    done: dict[str, PlanItem] = {}
    for item in items:
        line = next((created[name] for name in _texts(item.call.parameters.values()) if name in created), None)
        problem = item.outcome.problem
        if line is not None and problem is not None and problem.code == _NOT_FOUND:
            reason = f"line {line} of this file creates it"
            item = replace(item, outcome=_outcome(item.call, Status.CHANGED, reason=reason))
        if item.changes:
            first = done.setdefault(_effect(item), item)
            if first is not item:
                item = replace(item, outcome=_as_before(item, first.line))
            elif item.call.creates:
                parameters = item.call.parameters
                for name in _texts(parameters.get(name) for name in _CREATED_NAMES):
                    created.setdefault(name, item.line)
        yield item


def _as_before(item: PlanItem, line: int) -> Outcome:
    """The outcome of an item whose change an earlier line of the file makes."""
    outcome = item.outcome
    return replace(
        outcome, status=Status.UNCHANGED, reason=f"line {line} of this file does the same", before=outcome.after
    )


def _effect(item: PlanItem) -> str:
    """What makes two changes the same; where the object is not known by its id, all that was given."""
    outcome = item.outcome
    given = {} if outcome.identity is not None and outcome.identity.id else dict(item.call.parameters)
    facts = [item.call.action, item.object, dict(outcome.before), dict(outcome.after), given]
    return json.dumps(facts, sort_keys=True)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    return (value.casefold() for value in values if isinstance(value, str))


def _group(call: Call) -> str:
    return str(call.parameters.get("group", "")).casefold() if call.action == MEMBERSHIP.grant else ""


def _member(call: Call) -> str:
    return str(call.parameters.get("member", "")).lower()


def _grant(group: str, member: str) -> Call:
    (call,) = ACTIONS[MEMBERSHIP.grant].calls({"group": group, "member": member}, dry_run=True)
    return call


def _dry(call: Call) -> Call:
    return replace(call, dry_run=True)


def _failed_like(call: Call, read: Outcome) -> Outcome:
    """The outcome of a grant whose group could not be read."""
    return _outcome(call, Status.FAILED, problem=read.problem)


def _outcome(call: Call, status: Status, **facts: Any) -> Outcome:
    return Outcome(
        action=call.action, status=status, parameters=call.parameters, dry_run=True, call_id=call.id, **facts
    )
