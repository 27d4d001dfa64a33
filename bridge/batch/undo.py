"""The plan that takes a run back: its changes in reverse, each by what ``bridge.undoing`` says undoes it.

Rules:

- Only what the journal says was changed is undone. What is unknown may have been made, and is told; so is everything
  that cannot be brought back.
- Each undoing is looked at like a row of a file, so one that somebody did already is unchanged. Where the run changed
  the same thing several times, only the last change can be seen; what it covers of those before it is planned from
  the journal.
- Nothing is kept in memory but the sentences about what is left, so that a run of any length can be taken back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice

from bridge.batch.members import Run
from bridge.batch.plan import Items, PlanItem
from bridge.batch.spool import SpooledItems
from bridge.batch.touching import Change, Changes
from bridge.journal import Item, JournalReader, State
from bridge.model import Outcome, Status
from bridge.undoing import undoing

_WINDOW = 1_000
"""So many undoings are looked at together."""


def undo_items(journal: JournalReader, run: str, look: Run) -> tuple[Items, tuple[str, ...]]:
    """The items of a plan that takes ``run`` back, and sentences about what it leaves.

    Raises what ``look`` raises, UsageError and JournalNotRead.
    """
    unknown = [f"{_named(item)}: it is not known whether it was made." for item in journal.unsettled(run)]
    left: list[str] = []
    steps = SpooledItems(_steps(journal.items(run, (State.CHANGED,)), left))
    items = SpooledItems(_looked_at(reversed(steps), look))
    return items, (*unknown, *reversed(left))


def _steps(items: Iterable[Item], left: list[str]) -> Iterator[PlanItem]:
    """What undoes each of these items, with the outcome of that; what nothing undoes is added to ``left``."""
    for item in items:
        if item.outcome is None:
            continue
        found = undoing(item.outcome)
        if found.left:
            left.append(f"{_named(item)}: {found.left}.")
        if found.call is not None:
            yield PlanItem(replace(found.call, dry_run=True), item.outcome, item.planned.line)


def _looked_at(steps: Iterator[PlanItem], look: Run) -> Iterator[PlanItem]:
    """The steps, the last change first, with how each will end."""
    later = Changes()
    while window := list(islice(steps, _WINDOW)):
        for step, seen in zip(window, look(step.call for step in window), strict=True):
            done = step.outcome
            undone = Change(done.identity.id if done.identity else "", done.after, done.before)
            yield replace(step, outcome=_planned(done, seen, later.left(undone)))
            later.add(undone)


def _planned(done: Outcome, seen: Outcome, covered: Collection[str]) -> Outcome:
    """How the undoing of ``done`` will end. A later change stands between it and what is seen of the ``covered``."""
    if not covered or seen.status not in (Status.CHANGED, Status.UNCHANGED):
        return seen
    before, after = ({name: state[name] for name in covered if name in state} for state in (done.after, done.before))
    return replace(
        seen, status=Status.CHANGED, reason="", before={**seen.before, **before}, after={**seen.after, **after}
    )


def _named(item: Item) -> str:
    outcome = item.outcome
    name = outcome.identity.name if outcome and outcome.identity else item.planned.object
    return f"{item.planned.call.action} {name}"
