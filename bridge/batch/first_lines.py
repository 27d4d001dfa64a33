"""On which line of a file something came first, for a file of any length: kept on disk, in little memory."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.batch.spool import unkept


class FirstLines:
    """What was said, and the line that said it first; a context manager, whose file goes away with it.

    Raises UsageError when it cannot be kept.
    """

    def __init__(self) -> None:
        with contextlib.ExitStack() as stack, _kept():
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="exo-bridge-"))
            connection = sqlite3.connect(Path(folder) / "lines.db", isolation_level=None)
            stack.callback(connection.close)
            # Nobody needs it after a crash: nothing is waited for, and what is begun here is never committed.
            connection.execute("PRAGMA journal_mode = OFF")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE first (said PRIMARY KEY, line INTEGER NOT NULL) WITHOUT ROWID")
            connection.execute("BEGIN")
            self._connection = connection
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def line(self, said: str | bytes) -> int | None:
        """The line that said this first; None when none did."""
        with _kept():
            row = self._connection.execute("SELECT line FROM first WHERE said = ?", (said,)).fetchone()
        return int(row[0]) if row else None

    def add(self, said: str | bytes, line: int) -> int | None:
        """Something is said on this line; gives the line that said it before, None when this is the first."""
        with _kept():
            added = self._connection.execute("INSERT OR IGNORE INTO first VALUES (?, ?)", (said, line)).rowcount
        return None if added else self.line(said)


@contextlib.contextmanager
def _kept() -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise unkept(error) from error
