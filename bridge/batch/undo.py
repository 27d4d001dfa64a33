"""The plan that takes a run back: its changes in reverse, each by what ``bridge.undoing`` says undoes it.

Rules:

- Only what the journal says was changed is undone. What is unknown may have been made, and is told; so is everything
  that cannot be brought back.
- Each undoing is looked at like a row of a file, so one that somebody did already is unchanged. Where the run changed
  the same thing several times, only the last change can be seen; those before it are planned from the journal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bridge.batch.members import Run
from bridge.batch.plan import PlanItem
from bridge.batch.touching import Change, Changes
from bridge.journal import Item, JournalReader, State
from bridge.model import Call, Outcome, Status
from bridge.undoing import undoing


@dataclass(frozen=True)
class _Step:
    """A call that undoes a change, and the outcome of that change."""

    call: Call
    done: Outcome
    line: int
    is_covered: bool
    """Whether a later change of the run stands between this one and what can be seen."""


def undo_items(journal: JournalReader, run: str, look: Run) -> tuple[tuple[PlanItem, ...], tuple[str, ...]]:
    """The items of a plan that takes ``run`` back, and sentences about what it leaves.

    Raises what ``look`` raises, UsageError and JournalNotRead.
    """
    left = [f"{_named(item)}: it is not known whether it was made." for item in journal.unsettled(run)]
    changed = list(journal.items(run, (State.CHANGED,)))
    steps = list(_steps(reversed(changed), left))
    seen = look(step.call for step in steps)
    return tuple(PlanItem(step.call, _planned(step, next(seen)), step.line) for step in steps), tuple(left)


def _steps(items: Iterable[Item], left: list[str]) -> Iterator[_Step]:
    """What undoes these items; what nothing undoes is added to ``left``."""
    later = Changes()
    for item in items:
        outcome = item.outcome
        if outcome is None:
            continue
        found = undoing(outcome)
        if found.left:
            left.append(f"{_named(item)}: {found.left}.")
        if found.call is None:
            continue
        identity = outcome.identity.id if outcome.identity else ""
        undone = Change(identity, outcome.after, outcome.before)
        yield _Step(replace(found.call, dry_run=True), outcome, item.planned.line, bool(later.left(undone)))
        later.add(undone)


def _planned(step: _Step, seen: Outcome) -> Outcome:
    """How an undoing will end."""
    if not step.is_covered or seen.status not in (Status.CHANGED, Status.UNCHANGED):
        return seen
    return replace(seen, status=Status.CHANGED, reason="", before=step.done.after, after=step.done.before)


def _named(item: Item) -> str:
    outcome = item.outcome
    name = outcome.identity.name if outcome and outcome.identity else item.planned.object
    return f"{item.planned.call.action} {name}"
