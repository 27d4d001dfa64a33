"""What a run has written down and counted.

Rules:

- The intent of a change is on the disk before it is sent. What ended is written before anything new is sent, or the
  run is left; several at once, because the disk is what takes time.
- When the journal cannot be written the run stops where it is: nothing further is sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.batch.settling import Settled
from bridge.journal import Item, Journal, Planned, State
from bridge.model import Call, Outcome


class Stops(Protocol):
    """Limits that end a run."""

    def should_stop(self, outcome: Outcome) -> str:
        """Told of each outcome; a sentence when the run is to end, "" when it goes on."""


class Progress(Protocol):
    """Told how far a run is."""

    def __call__(self, counts: Mapping[State, int], current: Call | None, note: str = "", /) -> None:
        """How many items stand where, the one that was begun last, and what else is to be known; None for none."""


class Ledger:
    """The records and counts of a run. ``stop`` says why it is to end; "" while it goes on."""

    def __init__(self, run: str, journal: Journal, stops: Stops | None) -> None:
        self._run = run
        self._journal = journal
        self._stops = stops
        self._ended: list[tuple[Planned, Outcome]] = []
        self.counts = dict(journal.run(run).counts)
        self.stop = ""

    def intend(self, items: Sequence[Item]) -> None:
        """These are about to be sent. Raises JournalError; nothing may be sent then."""
        self._journal.intend(self._run, [item.planned for item in items])
        for item in items:
            self.counts[item.state] -= 1
            self.counts[State.OPEN] += 1

    def end(self, state: State, planned: Planned, outcome: Outcome) -> None:
        """An item in this state ended; ``write`` writes it down."""
        self._ended.append((planned, outcome))
        self._count(state, outcome)

    def write(self) -> None:
        """Write down what ended. Raises JournalError."""
        ended, self._ended = self._ended, []
        if ended:
            self._journal.finish(self._run, ended)

    def settle(self, state: State, found: Settled) -> None:
        """What was found out of an item in this state. Raises JournalError."""
        self._journal.settle(self._run, found.outcome, found.how)
        self._count(state, found.outcome)

    def _count(self, state: State, outcome: Outcome) -> None:
        self.counts[state] -= 1
        self.counts[State(outcome.status)] += 1

    def check(self, outcome: Outcome) -> None:
        """Look at the limits after an outcome that is the last word on its item."""
        if not self.stop and self._stops is not None:
            self.stop = self._stops.should_stop(outcome)
