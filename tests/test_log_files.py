"""The log file: several writers, when it is begun anew, and reading it again."""

from __future__ import annotations

import io
import json
import os
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.logs import configure
from bridge.logs.files import LogFile, lock_file, renamed_files
from bridge.logs.reading import LogReader, Wanted

WRITER = """
import sys
from pathlib import Path
from bridge.logs.files import LogFile
file = LogFile(Path(sys.argv[1]), max_bytes=int(sys.argv[3]), keep_days=0)
for number in range(200):
    file.write({"event": "e", "writer": sys.argv[2], "number": number, "filler": "x" * 300})
"""


def events(path: Path) -> list[dict[str, Any]]:
    """All events of a log and of what it was before."""
    return list(LogReader(path).events())


def lines(path: Path) -> list[str]:
    """All lines of a log and of what it was before."""
    return [line for file in [*renamed_files(path), path] for line in file.read_text("utf-8").splitlines()]


def test_several_processes_write_one_log_that_is_renamed_meanwhile(tmp_path: Path) -> None:
    """Every line of three writers is there once, whole, and in each writer's order; no file is larger than allowed."""
    path = tmp_path / "log.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, "20000"]) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]

    found = events(path)
    assert len(renamed_files(path)) >= 5
    for name in ("a", "b", "c"):
        assert [event["number"] for event in found if event["writer"] == name] == list(range(200))
    assert len(found) == len(lines(path)) == 600
    assert all(file.stat().st_size <= 20000 for file in [*renamed_files(path), path])


def test_a_line_that_is_larger_than_the_limit_is_kept(tmp_path: Path) -> None:
    """It stands alone in its file, and no empty file is left."""
    path = tmp_path / "log.jsonl"
    file = LogFile(path, max_bytes=100)
    for number in range(3):
        file.write({"event": "e", "number": number, "filler": "x" * 300})

    assert [event["number"] for event in events(path)] == [0, 1, 2]
    assert len(renamed_files(path)) == 2


def test_each_day_has_a_file(tmp_path: Path) -> None:
    """What begins on an earlier day is renamed by the first line of today; without keep_days it is not."""
    path = tmp_path / "log.jsonl"
    old = {"time": "2020-01-01T23:59:59.000Z", "event": "old"}
    path.write_text(json.dumps(old) + "\n", "utf-8")
    LogFile(path).write({"event": "one"})
    assert renamed_files(path) == []

    LogFile(path, keep_days=7).write({"event": "two"})

    assert [event["event"] for event in events(path)] == ["old", "one", "two"]
    assert len(renamed_files(path)) == 1


def test_what_could_not_be_renamed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that has yesterday's file open on Windows delays the new one until it lets go, not until tomorrow."""
    path = tmp_path / "log.jsonl"
    path.write_text('{"time": "2020-01-01T23:59:59.000Z", "event": "old"}\n', "utf-8")
    file = LogFile(path, keep_days=7)
    with monkeypatch.context() as held:
        held.setattr(Path, "rename", _refuse)
        file.write({"event": "one"})
    assert renamed_files(path) == []

    file.write({"event": "two"})

    assert len(renamed_files(path)) == 1
    assert [event["event"] for event in events(path)] == ["old", "one", "two"]


def _refuse(*_: object) -> None:
    raise PermissionError(13, "The process cannot access the file because it is being used by another process")


def test_files_that_are_older_than_they_are_kept_are_deleted(tmp_path: Path) -> None:
    """By the time of their last line; a file of somebody else that looks much the same stays."""
    path = tmp_path / "log.jsonl"
    names = ("log-20200101T000000000000Z.jsonl", "log-20200102T000000000000Z.jsonl", "log-2020.jsonl", "log.old.jsonl")
    for name in names:
        (tmp_path / name).write_text('{"event": "e"}\n', "utf-8")
    long_ago = time.time() - 8 * 86400
    for name in (names[0], *names[2:]):
        os.utime(tmp_path / name, (long_ago, long_ago))

    LogFile(path, keep_days=7)

    assert not (tmp_path / names[0]).exists()
    assert all((tmp_path / name).exists() for name in names[1:])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights; the folder of a user is the user's own")
def test_the_log_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Nobody else on the machine reads who works with whom."""
    path = tmp_path / "log.jsonl"
    LogFile(path).write({"event": "e"})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have a device that is full")
def test_a_full_disk_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The action goes on, and what cannot be written is not tried again for each line; a device is left as it is."""
    log = configure(file=Path("/dev/full"), stream=io.StringIO())
    log.event("command")
    log.event("command")
    log.close()

    assert capsys.readouterr().err.count("cannot be written any more") == 1
    assert not lock_file(Path("/dev/full")).exists()


def test_what_is_wanted(tmp_path: Path) -> None:
    """By run, by call or its pipeline, from a moment on, from a level on."""
    path = tmp_path / "log.jsonl"
    call = "0123456789abcdef0123456789abcdef"
    kept = [
        {"time": "2026-01-01T00:00:00.000Z", "level": "info", "event": "a", "run": "r1", "call": call},
        {"time": "2026-01-02T00:00:00.000Z", "level": "debug", "event": "b", "run": "r1"}
        | {"pipeline": "01234567-89AB-CDEF-0123-456789ABCDEF"},
        {"time": "2026-01-03T00:00:00.000Z", "level": "error", "event": "c", "run": "r2"},
    ]
    path.write_text("".join(json.dumps(event) + "\n" for event in kept) + "not one of ours\n[1]\n", "utf-8")

    def names(wanted: Wanted) -> str:
        return "".join(event["event"] for event in filter(wanted, events(path)))

    assert names(Wanted()) == "abc"
    assert names(Wanted(run="r1")) == "ab"
    assert names(Wanted(item="0123")) == "ab"
    assert names(Wanted(since="2026-01-02")) == "bc"
    assert names(Wanted(level="info")) == "ac"
    reader = LogReader(path)
    assert len(list(reader.events())) == 3
    assert reader.passed_over == 2


def test_who_follows_misses_nothing(tmp_path: Path) -> None:
    """Not what is written later, not across renaming, and not a line that was written in two parts."""
    path = tmp_path / "log.jsonl"
    following: Iterator[dict[str, Any]] = LogReader(path).events(follow=True)
    file = LogFile(path, max_bytes=200)
    seen: list[int] = []
    done = threading.Event()

    def read() -> None:
        while len(seen) < 21:
            seen.append(next(following)["number"])
        done.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for number in range(20):
        file.write({"event": "e", "number": number, "filler": "x" * 40})
    with path.open("a", encoding="utf-8") as half:
        half.write('{"event": "e", "num')
        half.flush()
        half.write('ber": 20}\n')

    assert done.wait(30)
    reader.join(30)
    assert seen == list(range(21))
    assert renamed_files(path)


def test_a_log_that_is_not_there_has_nothing(tmp_path: Path) -> None:
    """No error: nothing was done yet."""
    assert events(tmp_path / "none.jsonl") == []
