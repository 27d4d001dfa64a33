"""What stays open from one request to the next: the session, unless somebody else wants its runspace, and the journal.

Rules:

- The session is left, and its runspace taken over again at the next request, when another process of this machine
  stands in line for it, when it was not used for a while, and after a call that failed on the way to the agent.
- The journal is closed with it. Before each request it is looked at whether its file is still the one that was opened:
  what is written into a file that was taken away would be lost.
- All of it belongs to one thread: pypsrp is not safe for several, nor is SQLite.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.journal import Journal
from bridge.session import Session


class WarmSession:
    """Keeps what ``make`` makes. ``linger`` is how many seconds it stays open unused."""

    def __init__(self, make: Callable[[], Session], linger: float) -> None:
        self._make = make
        self._linger = linger
        self._session: Session | None = None
        self._used = 0.0

    def open(self, seconds: float | None) -> Session:
        """The open session, whose next calls may take so many seconds. Raises AgentError and ExchangeError."""
        self._used = time.monotonic()
        if self._session is not None:
            self._session.within(seconds)
            return self._session
        session = self._make()
        session.within(seconds)
        try:
            session.open()
        except BaseException:
            session.leave()
            raise
        self._session = session
        return session

    def used(self) -> None:
        """A request has ended; from now on it is unused."""
        self._used = time.monotonic()

    @property
    def is_due(self) -> bool:
        """Whether it is time to leave it."""
        session = self._session
        if session is None:
            return False
        return session.is_broken or session.is_wanted or time.monotonic() - self._used >= self._linger

    def leave(self) -> None:
        """Let go of the runspace, as [agent] on_exit says. Never raises an agent's error."""
        session, self._session = self._session, None
        if session is not None:
            session.leave()


class WarmJournal:
    """Keeps the journal that ``make`` opens; opening and closing one waits for the disk each time."""

    def __init__(self, make: Callable[[], Journal]) -> None:
        self._make = make
        self._journal: Journal | None = None
        self._file: tuple[int, int] | None = None

    @contextmanager
    def open(self) -> Iterator[Journal]:
        """The journal, which stays open afterwards. Raises JournalError."""
        if self._journal is not None and _file_of(self._journal.path) != self._file:
            self.close()
        if self._journal is None:
            self._journal = self._make()
            self._file = _file_of(self._journal.path)
        yield self._journal

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        journal, self._journal = self._journal, None
        if journal is not None:
            journal.close()


def _file_of(path: Path) -> tuple[int, int] | None:
    """Which file a path names; None where there is none, or it cannot be told."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
