"""Tells the journal what happens to each call of a run.

Rules: the intent is on the disk before the call is sent, and when it cannot be written the call is not sent. An outcome
that cannot be written is told loudly, and reaches its caller all the same; it is written before the next intent, or
when the observer is closed. What changes nothing, a read or a dry run, is not in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bridge.errors import Interrupted
from bridge.journal.errors import JournalError
from bridge.journal.journal import Journal
from bridge.journal.records import Planned, RunFacts
from bridge.model import Call, Listener, Outcome, Record


class JournalObserver:
    """A ``bridge.model.Observer`` that writes to the run ``run`` of ``journal``.

    ``sha256_of`` gives the hash of a script by its name. ``listener`` is told the event ``outcome not in the journal``.
    """

    def __init__(self, journal: Journal, run: str, *, sha256_of: Callable[[str], str], listener: Listener) -> None:
        self._journal = journal
        self._run = run
        self._sha256_of = sha256_of
        self._listener = listener
        self._unwritten: list[tuple[Planned, Outcome]] = []

    @property
    def unwritten(self) -> list[Outcome]:
        """The outcomes that the journal does not have, because they could not be written."""
        return [outcome for _, outcome in self._unwritten]

    def sending(self, call: Call) -> None:
        """Write the intent. Raises JournalError when it cannot be written: the call is not to be sent then."""
        if call.changes:
            self._flush()
            self._journal.intend(self._run, [self._planned(call)])

    def record(self, call: Call, record: Record) -> None:
        """Nothing: remote records are the log's."""

    def finished(self, call: Call, outcome: Outcome) -> None:
        """Write the outcome. Never raises JournalError: what was done is done."""
        if not call.changes:
            return
        self._unwritten.append((self._planned(call), outcome))
        try:
            self._flush()
        except JournalError as error:
            self._listener(
                "outcome not in the journal",
                call=call.id,
                action=call.action,
                status=str(outcome.status),
                error=error.message,
                remedy=error.remedy,
            )

    def close(self) -> None:
        """Write what could not be written before. Raises JournalError when it still cannot be."""
        self._flush()

    def _flush(self) -> None:
        if self._unwritten:
            self._journal.finish(self._run, self._unwritten)
            self._unwritten = []

    def _planned(self, call: Call) -> Planned:
        return Planned(call, sha256=self._sha256_of(call.script))


@contextmanager
def recorded(
    journal: Journal, facts: RunFacts, *, sha256_of: Callable[[str], str], listener: Listener
) -> Iterator[JournalObserver]:
    """The observer that writes single actions into a journal, as the run of ``facts``, which ends with this context.

    ``listener`` is told too of an end that could not be written. Raises JournalError when the run cannot begin: nothing
    was sent then.
    """
    with journal.holding(facts.id):
        journal.begin(facts)
        observer = JournalObserver(journal, facts.id, sha256_of=sha256_of, listener=listener)
        how = "failed"
        try:
            yield observer
            how = "done"
        except Interrupted:
            how = "interrupted"
            raise
        finally:
            # What was done is done, and has been told: a journal that cannot be written now changes none of it.
            try:
                observer.close()
                journal.end(facts.id, how)
            except JournalError as error:
                listener("run not ended in the journal", error=error.message, remedy=error.remedy)
