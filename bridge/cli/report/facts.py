"""What a report tells of a run beside its items: counts, causes of failures, the slowest, and what became when.

Rule: the items pass by once and few are kept, so that a run of any length needs little memory.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bridge.journal import Item, JournalReader, Run, State

UNSETTLED = (State.UNKNOWN, State.OPEN)
"""The states of an item of which nobody knows whether it was done."""

_ORDER = (UNSETTLED, (State.FAILED,), (State.CHANGED, State.UNCHANGED, State.PLANNED))
_ENDED = (State.CHANGED, State.UNCHANGED, State.FAILED, State.UNKNOWN)
_MOST_UNSETTLED = 100
_MOST_FAILED = 10
_MOST_REMEDIES = 3
_MOST_SLOW = 20
_MOST_SLOTS = 60


@dataclass
class Cause:
    """Items that failed with the same code: how many, what can be done (the first remedies), and the first of them."""

    code: str
    count: int = 0
    remedies: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def add(self, item: Item) -> None:
        """One item more."""
        self.count += 1
        if len(self.items) < _MOST_FAILED:
            self.items.append(item)
        remedy = item.outcome.problem.remedy if item.outcome and item.outcome.problem else ""
        if remedy and remedy not in self.remedies and len(self.remedies) < _MOST_REMEDIES:
            self.remedies.append(remedy)


@dataclass(frozen=True)
class Slot:
    """A part of the run's time, and how many items ended in it, by their state."""

    begin: datetime
    end: datetime
    counts: Mapping[State, int]


@dataclass(frozen=True)
class Facts:
    """What is told of a run.

    ``counts`` has every state, ``actions`` the same for each action. ``seconds`` is the time of all calls together,
    ``throttled_seconds`` by how much Exchange slowed them down. ``unsettled`` are the first items that nobody knows
    of, ``slowest`` the slowest first, ``causes`` the most frequent first, ``slots`` in their order.
    """

    run: Run
    counts: Mapping[State, int]
    actions: Mapping[str, Mapping[State, int]]
    seconds: float
    throttled_seconds: float
    unsettled: Sequence[Item]
    causes: Sequence[Cause]
    slowest: Sequence[Item]
    slots: Sequence[Slot]

    @property
    def items(self) -> int:
        """How many items there are."""
        return sum(self.counts.values())

    def as_json(self) -> dict[str, Any]:
        """The facts as they stand in the JSON of a report (version 1), without the items."""
        return {
            "run": {**self.run.as_json(), "counts": _by_name(self.counts)},
            "actions": [{"action": name, "counts": _by_name(counts)} for name, counts in self.actions.items()],
            "seconds": round(self.seconds, 3),
            "throttled_seconds": round(self.throttled_seconds, 3),
            "causes": [
                {"code": one.code, "count": one.count, "remedies": one.remedies, "first": [i.id for i in one.items]}
                for one in self.causes
            ],
            "slowest": [
                {"id": item.id, "position": item.position, "seconds": round(_seconds(item), 3)} for item in self.slowest
            ],
            "timeline": [
                {"begin": slot.begin.isoformat(), "end": slot.end.isoformat(), "counts": _by_name(slot.counts)}
                for slot in self.slots
            ],
        }


def items_in_order(journal: JournalReader, run: str) -> Iterator[Item]:
    """The items of a run as a report has them: what nobody knows of, what failed, then the others."""
    for states in _ORDER:
        yield from journal.items(run, states)


def item_json(item: Item) -> dict[str, Any]:
    """An item as it stands in the JSON of a report: as in the journal's, with what its plan saw and wanted."""
    return {**item.as_json(), "expected": dict(item.planned.expected), "wanted": dict(item.planned.wanted)}


def facts_of(run: Run, items: Iterable[Item]) -> Facts:
    """The facts of a run with these items, in any order."""
    actions: dict[str, Counter[State]] = {}
    causes: dict[str, Cause] = {}
    unsettled: list[Item] = []
    slow: list[tuple[float, int, Item]] = []
    moments = {state: array("d") for state in _ENDED}
    seconds = throttled = 0.0
    for item in items:
        actions.setdefault(item.planned.call.action, Counter())[item.state] += 1
        if item.state in UNSETTLED and len(unsettled) < _MOST_UNSETTLED:
            unsettled.append(item)
        outcome = item.outcome
        if outcome is None:
            continue
        seconds += outcome.seconds
        throttled += outcome.throttled_seconds
        moments[item.state].append(_moment(item.at))
        if item.state is State.FAILED:
            code = outcome.problem.code if outcome.problem else ""
            causes.setdefault(code, Cause(code)).add(item)
        _keep_slow(slow, item)
    counts = sum(actions.values(), Counter[State]())
    return Facts(
        run=run,
        counts={state: counts[state] for state in State},
        actions=dict(sorted(actions.items())),
        seconds=seconds,
        throttled_seconds=throttled,
        unsettled=unsettled,
        causes=sorted(causes.values(), key=lambda cause: -cause.count),
        slowest=[item for *_, item in sorted(slow, reverse=True)],
        slots=_slots(moments),
    )


def _keep_slow(slow: list[tuple[float, int, Item]], item: Item) -> None:
    """Keep the item while it is among the slowest; of two alike the earlier. No two have the same position."""
    entry = (_seconds(item), -item.position, item)
    if entry[0] <= 0:
        return
    if len(slow) < _MOST_SLOW:
        heapq.heappush(slow, entry)
    else:
        heapq.heappushpop(slow, entry)


def _slots(moments: Mapping[State, array[float]]) -> list[Slot]:
    """The time from the first end to the last in equal parts, of a second or more."""
    every = [moment for ended in moments.values() for moment in (min(ended, default=None), max(ended, default=None))]
    known = [moment for moment in every if moment is not None]
    if not known:
        return []
    first = float(int(min(known)))
    width = max(1.0, (max(known) - first) / _MOST_SLOTS)
    count = min(_MOST_SLOTS, int((max(known) - first) / width) + 1)
    counts: list[Counter[State]] = [Counter() for _ in range(count)]
    for state, ended in moments.items():
        for moment in ended:
            counts[min(count - 1, int((moment - first) / width))][state] += 1
    return [
        Slot(_at(first + number * width), _at(first + (number + 1) * width), {s: one[s] for s in _ENDED})
        for number, one in enumerate(counts)
    ]


def _seconds(item: Item) -> float:
    return item.outcome.seconds if item.outcome else 0.0


def _moment(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _at(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _by_name(counts: Mapping[State, int]) -> dict[str, int]:
    return {str(state): count for state, count in counts.items()}
