"""Whatever happens to the journal: what was written is there, and what could not be written is said."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import Any

import pytest

from bridge.journal import Journal, JournalNotRead, JournalNotWritten, JournalReader, JournalRefused, RunFacts, State
from bridge.journal.schema import STEPS, migrate, open_to_write, uri_of
from bridge.model import Status
from tests.journal.conftest import outcome, planned

ROOT = Path(__file__).parents[2]


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses a journal; it is gone in the end."""
    command = [sys.executable, "-m", "tests.journal.processes", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, encoding="utf-8") as started:
        try:
            yield started
        finally:
            started.kill()


def line_of(started: subprocess.Popen[str]) -> str:
    """The next line that it prints."""
    assert started.stdout is not None
    return started.stdout.readline().strip()


def test_crash(path: Path) -> None:
    """A process that is killed between intent and outcome leaves exactly that item open, and a sound journal."""
    with Journal(path) as journal:
        journal.begin(facts := RunFacts("batch"))
    with process("hang", str(path), facts.id) as started:
        item = line_of(started)
        started.kill()
        started.wait()
    with Journal(path) as journal:
        (open_one,) = journal.unsettled(facts.id)
        assert open_one.id == item
        assert [one.state for one in journal.items(facts.id)] == [State.CHANGED, State.OPEN, State.PLANNED]
        verified = journal.verify(facts.id)
        assert (verified.ok, verified.open, verified.open_count) == (True, (item,), 1)
        with pytest.raises(JournalRefused):
            journal.intend(facts.id, [open_one.planned])
        journal.resume(facts.id, facts)
        journal.settle(facts.id, outcome(open_one.planned.call), "state read")
        assert list(journal.unsettled(facts.id)) == []


def test_one_process_works_on_a_run(path: Path) -> None:
    """While a process works on a run no other does; when it is killed, the next may; nothing is left in the end."""
    with Journal(path) as journal:
        journal.begin(facts := RunFacts("batch"))
        journal.begin(other := RunFacts("batch"))
        with process("hang", str(path), facts.id) as started:
            line_of(started)
            with pytest.raises(JournalRefused, match="Another process"), journal.holding(facts.id):
                pass
            with journal.holding(other.id):
                journal.end(other.id, "done")
        with journal.holding(facts.id):
            for item in journal.items(facts.id, [State.OPEN]):
                journal.settle(facts.id, outcome(item.planned.call), "state read")
            left = list(journal.items(facts.id, [State.PLANNED]))
            journal.intend(facts.id, [item.planned for item in left])
            journal.finish(facts.id, [(item.planned, outcome(item.planned.call)) for item in left])
            journal.end(facts.id, "done")
    assert [file.name for file in path.parent.iterdir()] == ["journal.db"]


def test_crash_inside_a_transaction(path: Path) -> None:
    """A process that is killed while it plans leaves none of its items, and nobody waits for it."""
    with Journal(path) as journal:
        journal.begin(facts := RunFacts("batch"))
        with process("hang_inside", str(path), facts.id) as started:
            assert line_of(started) == "planning"
        assert journal.plan(facts.id, [planned()]) == 1
        assert len(list(journal.items(facts.id))) == 1
        assert journal.verify(facts.id).ok


def test_two_processes(path: Path) -> None:
    """Two processes that begin the file and write one run at once lose nothing, and the chain holds."""
    facts = RunFacts("batch")
    with process("work", str(path.with_name("other.db")), facts.id, "0") as first:
        assert line_of(first) == "done"  # both are warm, so that they meet
    with Journal(path) as journal:
        journal.begin(facts)
        with process("work", str(path), facts.id, "40") as first, process("work", str(path), facts.id, "40") as second:
            assert [line_of(first), line_of(second)] == ["done", "done"]
        assert journal.run(facts.id).counts[State.CHANGED] == 80
        assert [item.position for item in journal.items(facts.id)] == list(range(1, 81))
        assert journal.verify(facts.id).ok


def test_begun_at_once(path: Path) -> None:
    """Processes that all make the journal's file at the same moment get one journal."""
    with process("work", str(path), "0", "0") as first, process("work", str(path), "0", "0") as second:
        with Journal(path) as journal:
            journal.begin(facts := RunFacts("batch"))
        assert [line_of(first), line_of(second)] == ["done", "done"]
    with JournalReader(path) as reader:
        assert [run.id for run in reader.runs()] == [facts.id]


@pytest.mark.skipif(os.name == "nt", reason="there is no limit for the size of a file")
def test_disk_full(path: Path) -> None:
    """An intent that finds no room is refused with a clear message, and all before it are there."""
    with Journal(path) as journal:
        journal.begin(facts := RunFacts("batch"))
    with process("fill", str(path), facts.id) as started:
        written, code, *message = line_of(started).split()
    assert (code, "disk is full" in " ".join(message)) == ("journal-not-written", True)
    assert int(written) > 0
    with Journal(path) as journal:
        assert journal.run(facts.id).counts[State.OPEN] == int(written)
        assert journal.verify(facts.id).ok
        journal.intend(facts.id, [planned()])


@pytest.mark.skipif(os.name == "nt", reason="folders have no rights of this kind")
@pytest.mark.parametrize("folder", [0o555, 0o777])
def test_read_only(folder: int) -> None:
    """Where the file, or file and folder, may only be read, nothing is written, that is said, and reading works."""
    place = Path(tempfile.mkdtemp())
    try:
        path = place / "journal.db"
        with Journal(path) as journal:
            journal.begin(facts := RunFacts("batch"))
        path.chmod(0o444)
        place.chmod(folder)
        with process("without_rights", str(path), facts.id) as started:
            assert line_of(started) == "batch"
            assert line_of(started) == f"journal-not-written The journal {path} cannot be written: Permission denied."
    finally:
        place.chmod(0o700)
        shutil.rmtree(place)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PureWindowsPath(r"C:\data\my journal.db"), "file:///C:/data/my%20journal.db"),
        (PureWindowsPath(r"\\server\share\journal.db"), "file:////server/share/journal.db"),
        (PurePosixPath("/data/journal.db"), "file:///data/journal.db"),
    ],
)
def test_uri(path: PurePath, uri: str) -> None:
    """SQLite takes a path on a server only without the server as the URI's authority."""
    assert uri_of(path) == uri


def test_no_place(tmp_path: Path) -> None:
    """A path that cannot be a file is named in the message."""
    (tmp_path / "file").write_text("x", "utf-8")
    for path in (tmp_path, tmp_path / "file" / "journal.db"):
        with pytest.raises(JournalNotWritten) as refused:
            Journal(path)
        assert str(path) in refused.value.message
        with pytest.raises(JournalNotRead):
            JournalReader(path)


def test_locked_for_too_long(journal: Journal, run: str, path: Path) -> None:
    """A writer waits for another one up to its limit, then says so and has written nothing; reading goes on."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other, Journal(path, timeout=0.1) as waiting:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalNotWritten, match="another process holds it"):
            waiting.intend(run, [planned()])
        assert list(waiting.items(run)) == []
        other.execute("ROLLBACK")
        waiting.intend(run, [planned()])


def test_newer_version(journal: Journal, run: str, path: Path) -> None:
    """A journal of a newer exo-bridge is left alone, and the message says so."""
    with closing(sqlite3.connect(path)) as other:
        other.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    for opening in (Journal, JournalReader):
        with pytest.raises(JournalNotRead, match="newer exo-bridge"):
            opening(path)


def test_older_version(tmp_path: Path) -> None:
    """A journal of an older version is brought up to date with its records; who only reads says what is to be done."""
    path = tmp_path / "journal.db"
    steps = (("CREATE TABLE a (x)",), ("CREATE TABLE b (x)", "INSERT INTO b SELECT x + 1 FROM a"))
    with closing(open_to_write(path, timeout=1, steps=steps[:1])) as connection:
        connection.execute("INSERT INTO a VALUES (1)")
    with closing(open_to_write(path, timeout=1, steps=steps)) as connection:
        assert connection.execute("SELECT * FROM a, b").fetchall() == [(1, 2)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        broken = (*steps, ("CREATE TABLE c (x)", "CREATE TABLE a (x)"))
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, path, broken)
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'c'").fetchone() == (0,)
    with closing(open_to_write(tmp_path / "empty.db", timeout=1, steps=())):
        pass
    with pytest.raises(JournalNotRead, match="older exo-bridge"):
        JournalReader(tmp_path / "empty.db")


def test_two_that_begin_the_same_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one makes while the other looks at the empty file is no database of another program."""

    class Looking(sqlite3.Connection):
        """Another process makes the journal when this one has seen whose it is, and before it sees what is in it."""

        is_first = True

        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            """One statement."""
            if Looking.is_first and "sqlite_master" in sql:
                Looking.is_first = False
                # It may have to wait for this one, and then is too late here.
                with contextlib.suppress(JournalNotWritten):
                    open_to_write(path, timeout=0.1).close()
            return super().execute(sql, *parameters)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, **more, factory=Looking))
    with closing(open_to_write(path, timeout=5.0)) as connection:
        assert not Looking.is_first
        assert connection.execute("SELECT count(*) FROM record").fetchone() == (0,)


def test_another_programs_file(tmp_path: Path) -> None:
    """A database of another program, or what is no database, is not touched."""
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE t (x)")
    text = tmp_path / "notes.txt"
    text.write_text("Not a database. " * 400, "utf-8")
    for path in (other, text):
        before = path.read_bytes()
        for opening in (Journal, JournalReader):
            with pytest.raises(JournalNotRead):
                opening(path)
        assert path.read_bytes() == before


def test_damaged(path: Path) -> None:
    """A journal whose pages were overwritten is refused with a clear message, not read as less than it was."""
    with Journal(path) as journal:
        journal.begin(facts := RunFacts("batch"))
        journal.plan(facts.id, [planned(str(number)) for number in range(200)])
    content = bytearray(path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    path.write_bytes(content)
    with pytest.raises(JournalNotRead, match="damaged"), JournalReader(path) as reader:
        list(reader.items(facts.id))


TAMPERING = {
    "a state": "UPDATE record SET state = 'changed' WHERE kind = 'outcome'",
    "a body": "UPDATE record SET body = replace(body, 'jane', 'john')",
    "a time": "UPDATE record SET at = '2020' WHERE kind = 'intent'",
    "an intent that is gone": "DELETE FROM record WHERE kind = 'intent'",
    "an end that is gone": "DELETE FROM record WHERE number = (SELECT max(number) FROM record)",
    "one more": "INSERT INTO record SELECT 99, run, item, position, 'intent', 'open', at, '{}', '' "
    "FROM record WHERE kind = 'outcome'",
}


@pytest.mark.parametrize("what", TAMPERING)
def test_edited(journal: Journal, run: str, path: Path, what: str) -> None:
    """No record can be changed by accident, and one that was changed on purpose is found."""
    item = planned()
    journal.intend(run, [item])
    journal.finish(run, [(item, outcome(item.call, Status.FAILED))])
    assert journal.verify(run).ok
    with closing(sqlite3.connect(path)) as other, other:
        if not TAMPERING[what].startswith("INSERT"):
            with pytest.raises(sqlite3.IntegrityError, match="never"):
                other.execute(TAMPERING[what])
        other.execute("DROP TRIGGER never_rewritten")
        other.execute("DROP TRIGGER never_removed")
        other.execute(TAMPERING[what])
    assert not journal.verify(run).ok
