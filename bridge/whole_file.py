"""A file that is there whole or not at all.

Rules: it is written beside its place under a name that nobody can foresee, for its owner alone to read (on Windows it
has the rights of its folder), and gets its name at the end. A file of that name that was there keeps its mode. Where it
cannot get its name, because another program has that file open, what was written stays, and is named.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_TRIES, _PAUSE = 10, 0.1


class WholeFile:
    """A file under another name: what is written to ``stream`` is in ``file`` after ``keep``."""

    def __init__(self, stream: TextIO, part: Path, file: Path) -> None:
        self.stream = stream
        self._part = part
        self._file = file
        self._is_left = False

    def keep(self) -> None:
        """Give it its name. Raises OSError."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self.stream.close()
        with contextlib.suppress(OSError):
            self._part.chmod(stat.S_IMODE(self._file.stat().st_mode))
        try:
            _rename(self._part, self._file)
        except OSError as error:
            self._is_left = True
            raise OSError(error.errno, f"{error.strerror}; what was to be in it is in {self._part}") from error

    def drop(self) -> None:
        """Take away what did not get its name. Never raises."""
        with contextlib.suppress(OSError):
            self.stream.close()
        if not self._is_left:
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_file(
    file: Path, *, encoding: str = "utf-8", errors: str = "strict", newline: str = "\n"
) -> Iterator[WholeFile]:
    """A file to write texts to, which is in its place once it was kept. Raises OSError."""
    number, part = part_beside(file)
    whole = WholeFile(os.fdopen(number, "w", encoding=encoding, errors=errors, newline=newline), part, file)
    try:
        yield whole
    finally:
        whole.drop()


def part_beside(file: Path) -> tuple[int, Path]:
    """A new file beside this one, which no other process has: its descriptor and its path. Raises OSError."""
    import tempfile  # not needed to start

    number, name = tempfile.mkstemp(prefix=".exo-bridge-", suffix=".part", dir=file.absolute().parent)
    return number, Path(name)


def _rename(part: Path, file: Path) -> None:
    """Rename; on Windows several times, since a scanner may have either open for a moment. Raises OSError."""
    for _ in range(_TRIES if sys.platform == "win32" else 0):
        try:
            part.replace(file)
        except PermissionError:
            time.sleep(_PAUSE)
        else:
            return
    part.replace(file)
