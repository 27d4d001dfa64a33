"""One process at a time: a lock that is taken and given back for every line of a log.

Rules: it is the operating system's own lock on a file that stays open, because a lock for each line must cost nearly
nothing: filelock, which the session uses, opens its file anew each time and takes a hundred times as long. The system
gives it back when a process dies.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path
from types import TracebackType

WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.002

if sys.platform == "win32":
    import msvcrt

    def _take(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

    def _give_back(handle: int) -> None:
        os.lseek(handle, 0, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _take(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _give_back(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)


class LineLock:
    """A lock on the file ``path``, which is made; a context manager. Raises OSError, also after WAIT_SECONDS.

    Not safe for several threads at once: whoever uses it keeps them apart.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                _take(self._handle)
            except OSError as error:
                # What is locked is told so: by POSIX as the first or second, by Windows as the others.
                if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK):
                    raise
                if time.monotonic() >= until:
                    raise TimeoutError(errno.ETIMEDOUT, "another process keeps it", str(self._path)) from None
                time.sleep(_PAUSE_SECONDS)
            else:
                return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _give_back(self._handle)

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)
