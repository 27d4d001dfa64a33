"""Where the resident process of a name is reached, and who it is: one process for each address.

Rules:

- On Windows an address is the name of a pipe; elsewhere it is the path of a socket below the user's state folder, or
  the path that was given in place of a name. .NET's NamedPipeClientStream takes both.
- A lock file decides who serves an address. The system lets go of it when its process ends, however it ends; so a
  socket that is there while the lock is free is a dead process's.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from bridge.errors import UsageError
from bridge.program import make_own_folder


@dataclass(frozen=True)
class Served:
    """An address, and the id of the process that serves it now: 0 where none does, -1 where it is not known."""

    address: str
    process_id: int


if sys.platform == "win32":

    def address_of(pipe: str) -> str:
        """The address of a pipe's name. Raises UsageError for what can be no name."""
        if not pipe.strip() or set(pipe) & set('\\/:*?"<>|'):
            raise UsageError(f"{pipe!r} is not the name of a pipe.", remedy="Use letters, digits and -.")
        return pipe

else:
    from bridge.helloid.resident.channel_unix import check_length

    def address_of(pipe: str) -> str:
        """The address of a pipe's name; a rooted path is taken as it is.

        Raises UsageError for what can be no name, or makes too long a path.
        """
        if not pipe.strip() or ("/" in pipe and not pipe.startswith("/")) or pipe.endswith("/"):
            fix = "Use letters, digits and -, or a rooted path."
            raise UsageError(f"{pipe!r} is not the name of a pipe.", remedy=fix)
        path = Path(pipe) if pipe.startswith("/") else _folder() / f"{pipe}.sock"
        try:
            check_length(path)
        except ValueError as error:
            fix = "Give a shorter name, or a rooted path, as [helloid] pipe or --pipe."
            raise UsageError(f"{str(error).capitalize()}.", remedy=fix) from None
        return str(path)


def served(address: str) -> Served:
    """Who serves an address now. Raises OSError where its lock file cannot be opened."""
    lock = _lock(address)
    try:
        lock.acquire()
    except Timeout:
        return Served(address, _read_process(address))
    lock.release()
    return Served(address, 0)


@contextlib.contextmanager
def serving(address: str) -> Iterator[None]:
    """Be the one that serves an address. Raises UsageError where another process does, and OSError."""
    lock = _lock(address)
    try:
        lock.acquire()
    except Timeout:
        process = _read_process(address)
        which = f"process {process}" if process > 0 else "another process"
        raise UsageError(
            f"{which.capitalize()} serves {address} already.",
            remedy="Use that one, or give this one another name: [helloid] pipe or --pipe.",
        ) from None
    try:
        _process_file(address).write_text(json.dumps({"process_id": os.getpid()}), "utf-8")
        yield
    finally:
        with contextlib.suppress(OSError):
            _process_file(address).unlink(missing_ok=True)
        lock.release()


def _folder() -> Path:
    return Path(platformdirs.user_state_dir("exo-bridge", appauthor=False)) / "helloid"


def _file(address: str, suffix: str) -> Path:
    """A file about an address. Addresses that differ in letter case are one pipe on Windows."""
    name = address.lower() if sys.platform == "win32" else address
    return _folder() / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}{suffix}"


def _lock(address: str) -> FileLock:
    make_own_folder(_folder())
    return FileLock(_file(address, ".lock"), timeout=0)


def _process_file(address: str) -> Path:
    return _file(address, ".json")


def _read_process(address: str) -> int:
    try:
        return int(json.loads(_process_file(address).read_text("utf-8"))["process_id"])
    except (OSError, ValueError, TypeError, KeyError):
        return -1
