"""Writes the journal.

Rules:

- A record is appended, never rewritten, and only where the table in ``states`` allows it after what is there.
- A method that writes is one transaction: when it returns, all of it is on the disk; when it raises, nothing is.
  Only where a run begins and ends the disk is not waited for: nothing was sent yet, or all of it is told already.
- Whoever works on a run holds it, so that a second process neither settles nor sends what the first has in flight.
- Who sends many items at once writes their intents at once: the disk is waited for once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from bridge.errors import BridgeError
from bridge.journal.errors import JournalNotWritten, JournalRefused
from bridge.journal.reader import TIMEOUT, JournalReader
from bridge.journal.records import (
    JournalRecord,
    Planned,
    RecordKind,
    RunFacts,
    State,
    encode,
    outcome_body,
    planned_body,
)
from bridge.journal.schema import open_to_write, told, writing
from bridge.journal.states import violation
from bridge.model import Outcome

if TYPE_CHECKING:
    from bridge.settings import Settings

_INSERT = """
    INSERT INTO record (run, item, position, kind, state, at, body, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""


def default_path() -> Path:
    """The journal of this user on this machine, where the settings name no other."""
    from bridge.settings.model import JournalSettings

    return JournalSettings().effective_path


def journal_path(settings: Settings, *, is_simulated: bool = False) -> Path:
    """The journal of these settings; what is done to a simulator inside the process has one of its own beside it."""
    path = settings.journal.effective_path
    return path.with_stem(f"{path.stem}-simulated") if is_simulated else path


def _as_it_is(text: str) -> str:
    return text


class Journal(JournalReader):
    """The journal at ``path``, to read and to write; the file is made where there is none.

    ``timeout`` is how many seconds another process that writes is waited for. ``hide`` takes secrets out of what the
    agent and Exchange said. Raises JournalNotWritten and JournalNotRead.
    """

    def __init__(self, path: Path, *, timeout: float = TIMEOUT, hide: Callable[[str], str] = _as_it_is) -> None:
        super().__init__(path, timeout=timeout)
        self._hide = hide

    def _open(self, timeout: float) -> sqlite3.Connection:
        return open_to_write(self.path, timeout=timeout)

    def begin(self, facts: RunFacts) -> None:
        """A run begins. Raises JournalNotWritten, and JournalRefused when it is there already."""
        with self._writing(facts.id, waits=False) as writer:
            writer.append_run(RecordKind.BEGUN, vars(facts))

    def resume(self, run: str, facts: RunFacts) -> None:
        """A run goes on; ``facts`` are those of who does it now. Raises JournalNotWritten and JournalRefused."""
        with self._writing(run, waits=False) as writer:
            writer.append_run(RecordKind.RESUMED, vars(facts))

    def end(self, run: str, how: str) -> None:
        """A run ended: ``done``, ``interrupted`` or why else. Raises JournalNotWritten and JournalRefused."""
        with self._writing(run, waits=False) as writer:
            writer.append_run(RecordKind.ENDED, {"how": how, "counts": self._counts(run)})

    def plan(self, run: str, items: Iterable[Planned]) -> int:
        """Write what is to be done, all of it or nothing; how many items that was.

        Others who write wait meanwhile. Raises JournalNotWritten, and JournalRefused for an item that is there.
        """
        count = 0
        with self._writing(run) as writer:
            for item in items:
                writer.append_planned(item)
                count += 1
        return count

    def intend(self, run: str, items: Iterable[Planned]) -> None:
        """These items are about to be sent; what was not planned is planned by it.

        Raises JournalNotWritten, and JournalRefused for an item that is under way or done. Nothing may be sent then.
        """
        with self._writing(run) as writer:
            for item in items:
                if not writer.state(item.call.id):
                    writer.append_planned(item)
                writer.append(RecordKind.INTENT, item.call.id, State.OPEN, {})

    def finish(self, run: str, items: Iterable[tuple[Planned, Outcome]]) -> None:
        """These items ended. One that was not sent may have failed, or had nothing to be done.

        Raises JournalNotWritten and JournalRefused.
        """
        with self._writing(run) as writer:
            for item, outcome in items:
                if not writer.state(item.call.id):
                    writer.append_planned(item)
                body = outcome_body(outcome, self._hide)
                writer.append(RecordKind.OUTCOME, item.call.id, outcome.status, body)

    def settle(self, run: str, outcome: Outcome, how: str) -> None:
        """What was found out of an item that was open or unknown, and ``how``; unknown when it was looked for in vain.

        Raises JournalNotWritten and JournalRefused.
        """
        with self._writing(run) as writer:
            body = {**outcome_body(outcome, self._hide), "settled_by": how}
            writer.append(RecordKind.SETTLED, outcome.call_id, outcome.status, body)

    @contextmanager
    def holding(self, run: str) -> Iterator[None]:
        """Work on a run as the only living process that does; who dies lets go.

        Only so an open intent can be taken for one that a dead process left. Raises JournalRefused when another
        process works on the run, and JournalNotWritten.
        """
        file = self.path.with_name(f"{self.path.name}.{run}.lock")
        lock = FileLock(file, timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise JournalRefused(
                f"Another process works on the run {run}.", remedy="Wait for its end, or end it; then try again."
            ) from None
        except OSError as error:
            raise JournalNotWritten(f"The file {file} cannot be written: {error.strerror or error}.") from error
        try:
            yield
        finally:
            lock.release()
            self._forget_lock(run, file)

    def _forget_lock(self, run: str, file: Path) -> None:
        """Remove the file of a lock that nobody needs any more: all of the run is done.

        While there is something left to do it stays: a lock that is removed while another process opens it locks
        nobody out.
        """
        with suppress(OSError, BridgeError):
            found = self.run(run)
            left = sum(count for state, count in found.counts.items() if state not in (State.CHANGED, State.UNCHANGED))
            if found.ended and not left:
                file.unlink(missing_ok=True)

    @contextmanager
    def _writing(self, run: str, *, waits: bool = True) -> Iterator[_Writer]:
        with told(self.path, writing=True), writing(self._connection, waits=waits):
            yield _Writer(self._connection, run)


class _Writer:
    """Appends records of one run, inside a transaction."""

    def __init__(self, connection: sqlite3.Connection, run: str) -> None:
        self._connection = connection
        self._run = run
        self._chain = self._last("SELECT chain FROM record WHERE run = ? ORDER BY number DESC LIMIT 1", run)
        query = "SELECT kind FROM record WHERE run = ? AND item = '' ORDER BY number DESC LIMIT 1"
        self._run_state = self._last(query, run)
        self._position = 0

    def state(self, item: str) -> str:
        """Where an item stands, "" when it is new."""
        query = "SELECT state FROM record WHERE run = ? AND item = ? ORDER BY number DESC LIMIT 1"
        return self._last(query, self._run, item)

    def append_run(self, kind: RecordKind, body: Mapping[str, Any]) -> None:
        """Write a record of the run. Raises JournalRefused."""
        if wrong := violation(kind, self._run_state, ""):
            raise JournalRefused(f"The run {self._run}: {wrong}.")
        self._insert("", 0, kind, "", body)
        self._run_state = kind

    def append_planned(self, item: Planned) -> None:
        """Write an item at the end of the run's items. Raises JournalRefused."""
        if not self._position:
            query = "SELECT max(position) FROM record WHERE run = ? AND kind = 'planned'"
            self._position = int(self._last(query, self._run) or 0)
        self._position += 1
        body = planned_body(item)
        self.append(RecordKind.PLANNED, item.call.id, State.PLANNED, body, position=self._position)

    def append(self, kind: RecordKind, item: str, state: str, body: Mapping[str, Any], *, position: int = 0) -> None:
        """Write a record of an item. Raises JournalRefused."""
        if self._run_state not in (RecordKind.BEGUN, RecordKind.RESUMED):
            raise JournalRefused(f"The run {self._run} is not under way: {self._run_state or 'it was not begun'}.")
        if wrong := violation(kind, self.state(item), state):
            raise JournalRefused(f"The item {item}: {wrong}.")
        self._insert(item, position, kind, state, body)

    def _insert(self, item: str, position: int, kind: str, state: str, body: Mapping[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="microseconds")
        record = JournalRecord(0, self._run, item, position, str(kind), str(state), at, encode(body), "")
        self._chain = record.chain_after(self._chain)
        self._connection.execute(
            _INSERT,
            (record.run, item, position, record.kind, record.state, at, record.body, self._chain),
        )

    def _last(self, query: str, *values: str) -> str:
        row = self._connection.execute(query, values).fetchone()
        return str(row[0]) if row and row[0] is not None else ""
