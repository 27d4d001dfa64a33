"""The log file: JSON lines, which several processes write, and which is begun anew when it grows large or old.

Rules:

- Nobody keeps the file open. A line is added under a lock that all processes on this machine use, so that lines are
  never mixed, and on Windows too the file can be renamed.
- A file that is larger than allowed, or whose first line is of an earlier day (UTC), is renamed to
  ``<name>-<moment><suffix>`` beside it, and a new one is begun. Where the renaming fails, as on Windows while a reader
  has the file open, the file grows on, and it is tried again with the next line.
- Renamed files are deleted when nothing was written to them for longer than they are kept.
- What is not a file (a device, a pipe) is written without any of this.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.logs.line_lock import LineLock

MEGABYTE = 2**20
_JSON = json.JSONEncoder(ensure_ascii=False, default=str)
_MOMENT = r"\d{8}T\d{6}\d{6}Z"


class LogFile:
    """A log file to write; closed after use. Raises OSError when it cannot be written at all.

    ``max_bytes`` is how large it may grow, ``keep_days`` how many days renamed ones are kept; 0 is without limit.
    """

    def __init__(self, path: Path, *, max_bytes: int = 0, keep_days: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._name = str(path)
        self._max_bytes = max_bytes
        self._keep_days = keep_days
        self._is_plain = path.is_file() or not path.exists()
        self._guard = threading.Lock()
        self._day = ""
        self._append(b"")
        self._lock = LineLock(lock_file(path)) if self._is_plain else None
        self._delete_old()

    def close(self) -> None:
        """Let go of what the writing needs. May be called twice."""
        if self._lock is not None:
            self._lock.close()

    def write(self, line: Mapping[str, Any]) -> None:
        """Add one line. Raises OSError, also when another process holds the lock for long."""
        data = _JSON.encode(line).encode("utf-8", "backslashreplace") + b"\n"
        with self._guard:
            if self._lock is None:
                self._append(data)
                return
            with self._lock:
                if self._is_full(len(data)):
                    self._begin_anew()
                self._append(data)

    def _append(self, data: bytes) -> None:
        # Without a buffer: one write for one line, which a process that is killed does not leave in halves.
        handle = os.open(self._name, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
        try:
            if data and os.write(handle, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path))
        finally:
            os.close(handle)

    def _is_full(self, more: int) -> bool:
        try:
            size = os.stat(self._name).st_size  # noqa: PTH116 - for every line, and five times as fast
        except OSError:
            return False
        if not size:
            return False
        if self._max_bytes and size + more > self._max_bytes:
            return True
        return bool(self._keep_days) and self._is_of_an_earlier_day()

    def _is_of_an_earlier_day(self) -> bool:
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        if today == self._day:
            return False
        with self.path.open("rb") as stream:
            first = stream.readline(400)
        found = re.search(rb'"time": ?"(\d{4}-\d\d-\d\d)', first)
        if found is not None and found[1].decode() < today:
            return True
        self._day = today
        return False

    def _begin_anew(self) -> None:
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z"
        with contextlib.suppress(OSError):
            self.path.rename(self.path.with_name(f"{self.path.stem}-{moment}{self.path.suffix}"))
        self._delete_old()

    def _delete_old(self) -> None:
        if not self._keep_days or not self._is_plain:
            return
        oldest = time.time() - self._keep_days * 86400
        for file in renamed_files(self.path):
            with contextlib.suppress(OSError):
                if file.stat().st_mtime < oldest:
                    file.unlink()


def lock_file(path: Path) -> Path:
    """The file that the processes lock which write this log."""
    return path.with_name(f".{path.name}.lock")


def renamed_files(path: Path) -> list[Path]:
    """The files that this log was before, the oldest first."""
    pattern = re.compile(rf"{re.escape(path.stem)}-{_MOMENT}{re.escape(path.suffix)}")
    with contextlib.suppress(OSError):
        return sorted(file for file in path.parent.iterdir() if pattern.fullmatch(file.name))
    return []
