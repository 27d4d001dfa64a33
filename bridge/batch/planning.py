"""Makes a plan: looks at the organization for each row of a file, and changes nothing.

Rules:

- Each call is a dry run, so the scripts themselves say what they would do. What fails stays in the plan as failed, with
  its problem; only when the agent or Exchange cannot be reached any more there is no plan.
- Each row is compared with the organization as it is now, not as the rows before it leave it. Three things are seen of
  them: a row that does the same to the same object is unchanged, rows that contradict each other fail (see
  ``opposites``), and one that finds nothing under a name that an earlier row creates is planned as a change without the
  state before. What else that one names is not looked at, and there is nothing with which applying it could be compared
  (``PlanItem.is_compared``).
- What many rows need is read once for a thousand of them at a time, see ``shared_reads``; only rows of which that does
  not tell everything are looked at one by one.
- A wish for exactly these members has an item for each of them, then one for each who is too many. While one of them
  is not known nobody is taken out, and the plan says so.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from bridge.actions import ACTIONS
from bridge.batch.checking import Item
from bridge.batch.desired import MEMBERSHIP, Wish, resolve, unmatched
from bridge.batch.first_lines import FirstLines
from bridge.batch.members import Members, Run, by_name
from bridge.batch.opposites import without_contradictions
from bridge.batch.plan import Items, PlanItem
from bridge.batch.shared_reads import SharedReads
from bridge.model import Call, Identity, Outcome, Status

Progress = Callable[[int, int, str], None]
"""Told how many items are done, how many there are as far as is known, and what the last one was about."""

_WINDOW = 1_000
_CREATED_NAMES = ("name", "address", "display_name")
_NOT_FOUND = "object-not-found"


def plan_items(
    found: Iterable[Item | Wish],
    run: Run,
    members: Members,
    progress: Progress = lambda *_: None,
    *,
    total: int = 0,
    replaced: Collection[str] = (),
) -> tuple[Items, tuple[str, ...]]:
    """The items of a plan for what stands in a file without mistakes, and sentences about what it leaves.

    ``total`` is how many rows there are, as far as is known, and ``replaced`` are the scripts that are not the shipped
    ones, by name. Raises what ``run`` and ``found`` raise, and UsageError when the items cannot be kept.
    """
    planning = _Planning(run, SharedReads(run, replaced), members, progress, total)
    items = without_contradictions(_within_file(planning.items(found)), planning.exact)
    return items, tuple(planning.left)


class _Planning:
    """One plan in the making."""

    def __init__(self, run: Run, shared: SharedReads, members: Members, progress: Progress, total: int) -> None:
        self._run = run
        self._shared = shared
        self._members = members
        self._progress = progress
        self._total = total
        self._done = 0
        self.left: list[str] = []
        self.exact: set[str] = set()

    def items(self, found: Iterable[Item | Wish]) -> Iterator[PlanItem]:
        """Rows in their order, then what makes the wishes true."""
        wishes: list[Wish] = []
        rows = iter(found)
        while window := list(islice(rows, _WINDOW)):
            items = [one for one in window if isinstance(one, Item)]
            wishes += (one for one in window if isinstance(one, Wish))
            looked = self._look(item.call for item in items)
            for item, outcome in zip(items, looked, strict=True):
                yield PlanItem(_dry(item.call), outcome, item.line)
        self._total = self._done + sum(len(wish.members) for wish in wishes)
        for wish in wishes:
            yield from self.wish(wish)

    def wish(self, wish: Wish) -> list[PlanItem]:
        """A wish for exactly these members, as its calls."""
        read = self._members.read(wish.group)
        grants = {name: _grant(wish.group, name) for name in wish.members}
        if read.problem is not None:
            self._count(wish.group, len(grants))
            return [PlanItem(call, _failed_like(call, read), wish.line) for call in grants.values()]
        there = by_name(read.rows)
        unknown = unmatched(wish, read.rows)
        # One is looked at in any case: it says which group this is, whatever name the file has for it.
        asked = unknown or list(grants)[:1]
        looked = dict(zip(asked, self._look(grants[name] for name in asked), strict=True))
        group = next((seen.identity for seen in looked.values() if seen.identity is not None), None)
        self.exact.update([group.id] if group is not None else [])
        # A grant that was looked at says who it is about, whatever name the file has for them.
        ids = {name: str(seen.before["member_id"]) for name, seen in looked.items() if "member_id" in seen.before}
        planned = [
            PlanItem(call, looked.get(name) or self._already(call, group, there[name.lower()]), wish.line)
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
        outcomes = zip(calls, self._look(calls), strict=True)
        return planned + [PlanItem(_dry(call), outcome, wish.line) for call, outcome in outcomes]

    def _already(self, call: Call, group: Identity | None, row: Mapping[str, Any]) -> Outcome:
        """The outcome of a grant to somebody who is a member under the name that was given."""
        self._count(call.parameters["member"])
        state = {"member_id": row["id"], "member_name": row["display_name"], "is_member": True}
        return _outcome(call, Status.UNCHANGED, identity=group, reason="already a member", before=state, after=state)

    def _look(self, calls: Iterable[Call]) -> Iterator[Outcome]:
        """The outcomes of dry runs of these calls, in their order."""
        left = map(_dry, calls)
        while window := list(islice(left, _WINDOW)):
            self._shared.prepare(window)
            known = [self._shared.seen(call) for call in window]
            looked = self._run(call for call, seen in zip(window, known, strict=True) if seen is None)
            for seen in known:
                outcome = next(looked) if seen is None else seen
                self._count(str(next(iter(outcome.parameters.values()), "")))
                yield replace(outcome, rows=())
            next(looked, None)  # it comes to its end before anything else is sent

    def _count(self, about: str, count: int = 1) -> None:
        self._done += count
        self._progress(self._done, max(self._total, self._done), about)


def _within_file(items: Iterable[PlanItem]) -> Iterator[PlanItem]:
    """The items with what they have to do with those before them."""
    with FirstLines() as created, FirstLines() as done:
        for item in items:
            item = _of_something_created(item, created)
            if item.changes:
                first = done.add(_effect(item), item.line)
                if first is not None:
                    yield replace(item, outcome=_as_before(item, first))
                    continue
                if item.call.creates:
                    parameters = item.call.parameters
                    for name in _texts(parameters.get(name) for name in _CREATED_NAMES):
                        created.add(name, item.line)
            yield item


def _of_something_created(item: PlanItem, created: FirstLines) -> PlanItem:
    """The item as it is; a change, where it found nothing under a name that an earlier line creates."""
    problem = item.outcome.problem
    if problem is None or problem.code != _NOT_FOUND:
        return item
    lines = map(created.line, _texts(item.call.parameters.values()))
    line = next((line for line in lines if line is not None), None)
    if line is None:
        return item
    return replace(item, outcome=_outcome(item.call, Status.CHANGED, reason=f"line {line} of this file creates it"))


def _as_before(item: PlanItem, line: int) -> Outcome:
    """The outcome of an item whose change an earlier line of the file makes."""
    outcome = item.outcome
    return replace(
        outcome, status=Status.UNCHANGED, reason=f"line {line} of this file does the same", before=outcome.after
    )


def _effect(item: PlanItem) -> bytes:
    """What makes two changes the same, as a hash; where the object is not known by its id, all that was given."""
    outcome = item.outcome
    given = {} if outcome.identity is not None and outcome.identity.id else dict(item.call.parameters)
    facts = [item.call.action, item.object, dict(outcome.before), dict(outcome.after), given]
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode("ascii"), digest_size=16).digest()


def _texts(values: Iterable[Any]) -> Iterator[str]:
    return (value.casefold() for value in values if isinstance(value, str))


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
