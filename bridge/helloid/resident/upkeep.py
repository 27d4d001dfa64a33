"""Whether a process still runs what is installed, and how it starts anew when not.

Rules:

- What counts is what the process was made of: the installation, by the list of files that pip writes; in a checkout
  its source files; and the files that the settings are from. Any of them changed, came or went: the process is old.
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
_RECORD = "exo_bridge-*.dist-info/RECORD"
"""Beside the package where pip installed it: the list of installed files, which each installation writes anew."""


class Installation:
    """What the process began with: the package, and ``others``, the files and folders that its settings are from."""

    def __init__(self, others: Iterable[Path]) -> None:
        package = Path(bridge.__file__).resolve().parent
        records = list(package.parent.glob(_RECORD))
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
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
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
