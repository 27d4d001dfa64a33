"""Whether a process still runs what is installed, and how it starts anew when not.

Rules:

- What counts is what the process was made of: the installation, by the list of files that pip writes; in a checkout
  its source files; and the files that the settings are from. Any of them changed, came or went: the process is old.
- While pip replaces the installation its list is gone, and then new. The successor is started when it is there again
  and stays as it is; what starts in between would die of what is missing.
- A module that was not imported yet would come from the new installation into the old process. So it is looked at
  before each request; a checkout, which has hundreds of files, once in a second at most.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import bridge

_SUFFIXES = (".py", ".ps1", ".toml")
_SCAN_SECONDS = 1.0
_WHOLE_SECONDS = 60.0
_STILL_SECONDS = 2.0
_POLL_SECONDS = 0.1
_RECORD = "exo_bridge-*.dist-info/RECORD"
"""Beside the package where pip installed it: the list of installed files, which each installation writes anew."""


class Installation:
    """What the process began with: the package, and ``others``, the files and folders that its settings are from."""

    def __init__(self, others: Iterable[Path]) -> None:
        package = Path(bridge.__file__).resolve().parent
        records = list(package.parent.glob(_RECORD))
        self._installed = package.parent if records else None
        self._records = _records(package.parent)
        self._folders: list[Path] = []
        self._files = [*others, *records]
        if not records:
            scripts = package.parent / "ps_scripts"
            self._folders = [package, *([scripts] if scripts.is_dir() else [])]
        self._looked = time.monotonic()
        self._begun = self._now(), self._code()

    def has_changed(self) -> bool:
        """Whether anything is different now. Never raises."""
        code = self._begun[1]
        if time.monotonic() - self._looked >= _SCAN_SECONDS:
            self._looked = time.monotonic()
            code = self._code()
        return (self._now(), code) != self._begun

    def wait_until_whole(self, most: float = _WHOLE_SECONDS) -> bool:
        """Wait until pip has written its list and left it alone for two seconds; False after ``most`` seconds.

        Where the list is the one that the process began with, and in a checkout, nothing is waited for. Never raises.
        """
        if self._installed is None or _records(self._installed) == self._records:
            return True
        until = time.monotonic() + most
        seen, since = _records(self._installed), time.monotonic()
        while not seen or time.monotonic() - since < _STILL_SECONDS:
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL_SECONDS)
            now = _records(self._installed)
            if now != seen:
                seen, since = now, time.monotonic()
        return True

    def _now(self) -> list[tuple[int, int] | None]:
        """What the system tells of each file, which takes microseconds."""
        return [_times(path) for path in self._files]

    def _code(self) -> int:
        """One number for all files of a checkout."""
        return hash(tuple(sorted(seen for folder in self._folders for seen in _files(str(folder)))))


def start_anew() -> int:
    """Start this process's own command line as a process that outlives it; its id. Raises OSError."""
    command = [sys.executable, *sys.orig_argv[1:]]
    null = subprocess.DEVNULL
    # Nobody waits for it: it is to live on when this process ends.
    if sys.platform == "win32":
        # The python.exe of a venv starts another one, which without any console would get a window of its own.
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, creationflags=flags)  # noqa: S603  # its own words
    else:
        process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)  # noqa: S603  # its own words
    return process.pid


def _times(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _records(folder: Path) -> list[tuple[str, tuple[int, int] | None]]:
    """The lists that pip has there, by name since another version has another; more than one while it works."""
    with contextlib.suppress(OSError):
        return sorted((path.parent.name, _times(path)) for path in folder.glob(_RECORD))
    return []


def _files(folder: str) -> Iterator[tuple[str, int, int]]:
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        yield from _files(entry.path)
                elif entry.name.endswith(_SUFFIXES):
                    found = entry.stat()
                    yield entry.path, found.st_mtime_ns, found.st_size
