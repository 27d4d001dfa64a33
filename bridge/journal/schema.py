"""The journal's file: SQLite, made and brought up to date when it is opened.

Rules:

- The file says whose it is (``application_id``) and which version of the schema it has (``user_version``). A file of a
  newer version, or of another program, is left alone.
- Version N is what the first N of ``STEPS`` made. A step is never edited; a new version is a new step, and no step
  rewrites a record.
- Write-ahead log with full synchronisation: what a commit returned from is on the disk. Many may read while one
  writes; who wants to write waits, up to a limit.
- Only its owner may read a file that is made here. On Windows the rights of the folder decide.
- Each error of SQLite becomes a JournalError that says what is the matter.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from bridge.journal.errors import JournalError, JournalNotRead, JournalNotWritten
from bridge.program import make_own_folder

APPLICATION_ID = 0x65786F6A
"""``exoj`` in ASCII."""

Step = tuple[str, ...]

ABOUT = "CASE WHEN json_valid(body) THEN json_extract(body, '$.object') END"
IDENTITY = "CASE WHEN json_valid(body) THEN json_extract(body, '$.identity') END"
"""What an item is about, as SQLite finds it in the body: as the call names it, and by its id. A body may hold numbers
that are no JSON (NaN, Infinity): Python writes and reads them."""

STEPS: tuple[Step, ...] = (
    (
        """
        CREATE TABLE record (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT NOT NULL,
            item TEXT NOT NULL,
            position INTEGER NOT NULL,
            kind TEXT NOT NULL
                CHECK (kind IN ('begun', 'resumed', 'ended', 'planned', 'intent', 'outcome', 'settled')),
            state TEXT NOT NULL,
            at TEXT NOT NULL,
            body TEXT NOT NULL,
            chain TEXT NOT NULL
        )
        """,
        "CREATE INDEX record_of_run ON record (run)",
        "CREATE INDEX record_of_item ON record (run, item)",
        "CREATE UNIQUE INDEX begun_once ON record (run) WHERE kind = 'begun'",
        "CREATE UNIQUE INDEX planned_once ON record (run, item) WHERE kind = 'planned'",
        "CREATE UNIQUE INDEX one_position ON record (run, position) WHERE kind = 'planned'",
        """
        CREATE TRIGGER never_rewritten BEFORE UPDATE ON record
        BEGIN SELECT RAISE(ABORT, 'a record is never rewritten'); END
        """,
        """
        CREATE TRIGGER never_removed BEFORE DELETE ON record
        BEGIN SELECT RAISE(ABORT, 'a record is never removed'); END
        """,
    ),
    (
        f"CREATE INDEX item_about ON record ({ABOUT}) WHERE kind = 'planned'",
        f"CREATE INDEX item_of_identity ON record ({IDENTITY}) WHERE kind = 'planned'",
    ),
)

_POLL_SECONDS = 0.02
_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
_CLOSED = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def open_to_write(path: Path, *, timeout: float, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """A connection to the journal at ``path``, which is made or brought up to date where needed.

    ``timeout`` is how many seconds another writer is waited for. Raises JournalNotWritten and JournalNotRead.
    """
    try:
        make_own_folder(path.parent)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise JournalNotWritten(f"The journal {path} cannot be written: {error.strerror or error}.") from error
    with told(path, writing=True):
        connection = sqlite3.connect(path, timeout=timeout, isolation_level=None)
    try:
        with told(path, writing=True):
            _check_file(connection, path, steps)
            _turn_on_wal(connection, path, timeout)
            connection.execute("PRAGMA synchronous = FULL")
            migrate(connection, path, steps)
    except BaseException:
        connection.close()
        raise
    return connection


def open_to_read(path: Path, *, timeout: float) -> sqlite3.Connection:
    """A connection that only reads. Raises JournalNotRead, also for a journal of an older version."""
    if not path.is_file():
        raise JournalNotRead(
            f"There is no journal at {path}.", remedy="The first change begins it; or give the right file."
        )
    with told(path):
        try:
            connection, version = _connect_to_read(path, "mode=ro", timeout)
        except sqlite3.OperationalError as error:
            # SQLite makes files beside it even to read; where it may not, nobody writes, and it has to be told so.
            if error.sqlite_errorcode & 0xFF not in _CLOSED or path.with_name(f"{path.name}-wal").exists():
                raise
            connection, version = _connect_to_read(path, "immutable=1", timeout)
    if version < len(STEPS):
        connection.close()
        raise JournalNotRead(
            f"The journal {path} was written by an older exo-bridge.",
            remedy="The next change brings it up to date; then it can be read.",
        )
    return connection


def _connect_to_read(path: Path, how: str, timeout: float) -> tuple[sqlite3.Connection, int]:
    """A connection, and the version of the schema. Raises JournalNotRead and SQLite's errors."""
    connection = sqlite3.connect(f"{uri_of(path.absolute())}?{how}", uri=True, timeout=timeout)
    try:
        return connection, _check_file(connection, path, STEPS)
    except BaseException:
        connection.close()
        raise


def uri_of(path: PurePath) -> str:
    """The URI of a rooted path as SQLite takes it: a server (``//server/share/journal.db``) is a part of the path."""
    uri = path.as_uri()
    return uri if uri.startswith("file:///") else uri.replace("file:", "file://", 1)


def migrate(connection: sqlite3.Connection, path: Path, steps: Sequence[Step] = STEPS) -> None:
    """Bring the schema up to the version that ``steps`` make, all of it or nothing. Raises what SQLite raises."""
    if _version(connection) == len(steps):
        return
    with writing(connection):
        # Another process may have done it while this one waited.
        for statement in (one for step in steps[_check_file(connection, path, steps) :] for one in step):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")


@contextlib.contextmanager
def writing(connection: sqlite3.Connection, *, waits: bool = True) -> Iterator[None]:
    """One transaction that writes: on the disk when it was left without an error, undone otherwise.

    Without ``waits`` it is on the disk with the next one that waits: in WAL mode one wait is for all that was written
    before (SQLite's documentation of PRAGMA synchronous).
    """
    connection.execute(f"PRAGMA synchronous = {'FULL' if waits else 'NORMAL'}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            # What ended the transaction is told; that it cannot be undone either adds nothing.
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def at_one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """What is read inside is all as it was at the first look; nobody who writes has to wait.

    Raises what SQLite raises.
    """
    is_begun = connection.in_transaction
    if not is_begun:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        # An error may have ended it.
        if not is_begun and connection.in_transaction:
            connection.execute("ROLLBACK")


@contextlib.contextmanager
def told(path: Path, *, writing: bool = False) -> Iterator[None]:
    """SQLite's errors as JournalErrors."""
    try:
        yield
    except sqlite3.Error as error:
        raise _meaning(path, error, writing=writing) from error


def _meaning(path: Path, error: sqlite3.Error, *, writing: bool) -> JournalError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _BROKEN:
        return JournalNotRead(f"The journal {path} is damaged, or is no journal: {error}.")
    kind = JournalNotWritten if writing else JournalNotRead
    verb = "written" if writing else "read"
    if code == sqlite3.SQLITE_BUSY:
        return kind(
            f"The journal {path} cannot be {verb}: another process holds it for too long.",
            remedy="Try again; if it stays so, look for a process that has the file open (a backup, an editor).",
        )
    if code in _FULL:
        return kind(
            f"The journal {path} cannot be {verb}: the disk is full or broken ({error}).",
            remedy=f"Make room on the disk of {path}, and run it again. Another journal would know nothing of it.",
        )
    return kind(f"The journal {path} cannot be {verb}: {error}.")


def _check_file(connection: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> int:
    """The version of the schema, 0 for an empty file. Raises JournalNotRead for a file that is not to be touched."""
    with at_one_moment(connection):
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        version = _version(connection)
    if owner != APPLICATION_ID and (owner or tables):
        raise JournalNotRead(f"The file {path} is a database of another program.")
    if version > len(steps):
        raise JournalNotRead(
            f"The journal {path} was written by a newer exo-bridge: it has version {version}, and this one knows "
            f"versions up to {len(steps)}.",
            remedy="Use the newer exo-bridge, or give [journal] path another file.",
        )
    return version


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _turn_on_wal(connection: sqlite3.Connection, path: Path, timeout: float) -> None:
    """Turn the write-ahead log on; SQLite itself does not wait for a process that does the same at this moment."""
    until = time.monotonic() + timeout
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(_POLL_SECONDS)
        else:
            break
    if mode != "wal":
        raise JournalNotWritten(f"The journal {path} cannot be kept there: its disk allows no write-ahead log.")
