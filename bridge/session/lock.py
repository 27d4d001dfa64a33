"""One at a time on this machine: who wants the named runspace waits in line for it, first come first served.

Rules:

- A place in the line is a file with a number; the lowest number whose owner lives has the runspace. Its owner holds a
  lock on that file, which the system lets go of when the process ends, however it ends. So a holder that died blocks
  nobody, and its file is taken away by the next.
- The line is short-lived knowledge of this machine and this user; the agent alone knows of clients elsewhere.
- Beside the line stands what its holder has on the agent. What is found there was left by a holder that died.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

_POLL_SECONDS = 0.1
_SUFFIX = ".place"
_LEFT = "left.json"


@dataclass(frozen=True)
class Holder:
    """Who has the runspace: process id, account on this machine, and since when (seconds since the epoch)."""

    process_id: int
    user: str
    since: float

    def __str__(self) -> str:
        """For a message."""
        moment = time.strftime("%H:%M:%S", time.localtime(self.since))
        return f"process {self.process_id} of {self.user}, since {moment}"


@dataclass(frozen=True)
class Left:
    """What a process has on the agent: shell, WSMan session by which the agent knows it, open batch ("" for none)."""

    shell: str
    session: str
    batch: str = ""


class RunspaceLock:
    """The line for one runspace. ``what`` names it: agent, endpoint, account and runspace name.

    ``folder`` is where lines are kept; the user's state folder unless given. ``acquire`` and ``release`` are called
    once each.
    """

    def __init__(self, what: str, folder: Path | None = None) -> None:
        base = folder or Path(platformdirs.user_state_dir("exo-bridge", appauthor=False)) / "lines"
        self._folder = base / hashlib.sha256(what.encode()).hexdigest()[:32]
        self._place: Path | None = None
        self._lock: FileLock | None = None

    def acquire(self, seconds: float, waiting: Callable[[Holder | None], None]) -> Holder | None:
        """Wait up to ``seconds`` for our turn: None when it is ours, else who has the runspace.

        ``waiting`` is called once, with the holder, when there is somebody to wait for. Raises OSError when the line
        cannot be kept.
        """
        self._stand_in_line()
        try:
            return self._wait(time.monotonic() + seconds, waiting)
        except BaseException:
            self.release()
            raise

    def _wait(self, until: float, waiting: Callable[[Holder | None], None]) -> Holder | None:
        told = False
        while True:
            ahead = self._ahead()
            if ahead is None:
                self._write_holder()
                return None
            holder = _read_holder(ahead)
            if not told:
                waiting(holder)
                told = True
            if time.monotonic() >= until:
                self.release()
                return holder or Holder(0, "an account that is not known", time.time())
            time.sleep(_POLL_SECONDS)

    def release(self) -> None:
        """Leave the line. Never raises."""
        if self._place is None or self._lock is None:
            return
        with contextlib.suppress(OSError):
            _holder_file(self._place).unlink(missing_ok=True)
        self._lock.release()
        with contextlib.suppress(OSError):
            self._place.unlink(missing_ok=True)
        self._place = self._lock = None

    def is_wanted(self) -> bool:
        """Whether somebody stands in line behind us. Never raises.

        One who died counts too, until the next who comes takes its file away.
        """
        place = self._place
        with contextlib.suppress(OSError):
            return place is not None and any(path.name > place.name for path in self._folder.glob(f"*{_SUFFIX}"))
        return False

    def note(self, left: Left | None) -> None:
        """Write down what we have on the agent, for who comes after us should we die; None for nothing.

        Never raises.
        """
        file = self._folder / _LEFT
        with contextlib.suppress(OSError):
            if left is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(json.dumps(asdict(left)), "ascii")

    def left(self) -> Left | None:
        """What was written down last, None for nothing."""
        try:
            found = Left(**json.loads((self._folder / _LEFT).read_text("ascii")))
            return replace(found, batch=str(uuid.UUID(found.batch)) if found.batch else "")
        except (OSError, ValueError, TypeError, AttributeError):
            return None

    def _stand_in_line(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / "counter.lock"):
            last = max((int(path.stem) for path in self._folder.glob(f"*{_SUFFIX}")), default=0)
            self._place = self._folder / f"{last + 1:012}{_SUFFIX}"
            # Whoever closes a session may do so in another thread than the one that opened it.
            self._lock = FileLock(self._place, thread_local=False)
            self._lock.acquire()

    def _ahead(self) -> Path | None:
        """The first living place before ours; the dead ones are taken away."""
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            if self._place is None or path.name >= self._place.name:
                return None
            lock = FileLock(path, timeout=0)
            try:
                lock.acquire()
            except Timeout:
                return path
            except OSError:
                return path
            with contextlib.suppress(OSError):
                _holder_file(path).unlink(missing_ok=True)
            lock.release()
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        return None

    def _write_holder(self) -> None:
        if self._place is not None:
            holder = {"process_id": os.getpid(), "user": _user(), "since": time.time()}
            with contextlib.suppress(OSError):
                _holder_file(self._place).write_text(json.dumps(holder), "utf-8")


def _holder_file(place: Path) -> Path:
    return place.with_suffix(".json")


def _read_holder(place: Path) -> Holder | None:
    """Who has a place, as far as it was written down; None while it only waits."""
    try:
        return Holder(**json.loads(_holder_file(place).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # the last on Windows, where no variable names the account
        return "an account without a name"
