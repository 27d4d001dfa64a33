"""Who else may read or write a file, as POSIX says it: its owner and its mode.

Rules: root may do everything anyway, so what is root's is trusted. A symbolic link is its owner's work too. On Windows
the access list of the folder says it, which is not read here: there nobody else is ever found.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path


class DoubtfulFileError(PermissionError):
    """Somebody else may have written a file or a folder: ``strerror`` says why, ``fix`` what would be right."""

    def __init__(self, path: Path, why: str, fix: str) -> None:
        super().__init__(errno.EACCES, why, str(path))
        self.fix = fix


if sys.platform == "win32":

    def account() -> int | None:
        """The id of the account that this process has; None where owner and mode do not say who may do what."""
        return None

else:

    def account() -> int | None:
        """The id of the account that this process has; None where owner and mode do not say who may do what."""
        return os.geteuid()


def read_own(path: Path) -> bytes:
    """The content of a file that nobody else wrote or may write. Raises DoubtfulFileError, and OSError."""
    with path.open("rb") as stream:
        # Of what was opened, so that it is what is read.
        status = os.fstat(stream.fileno())
        _check_owner(path, status)
        _check_mode(path, status)
        return stream.read()


def read_closed(path: Path) -> bytes:
    """The content of a file that not everybody may write. Raises DoubtfulFileError, and OSError."""
    with path.open("rb") as stream:
        _check_mode(path, os.fstat(stream.fileno()))
        return stream.read()


def check_folders(top: Path, files: Iterable[Path]) -> None:
    """Look whether everybody may write ``top`` or a folder in it with one of the files.

    Raises DoubtfulFileError, and OSError.
    """
    for folder in sorted({top} | {one for file in files for one in file.parents if one.is_relative_to(top)}):
        _check_mode(folder, folder.stat())


def _check_owner(path: Path, status: os.stat_result) -> None:
    me = account()
    owners = [one.st_uid for one in (status, path.lstat()) if me is not None and one.st_uid not in (me, 0)]
    if owners:
        fix = f"Look at it, and make it yours if it is to be used: `sudo chown -h {me} {path}`."
        raise DoubtfulFileError(path, f"it belongs to another account (uid {owners[0]})", fix)


def _check_mode(path: Path, status: os.stat_result) -> None:
    if account() is not None and status.st_mode & stat.S_IWOTH:
        fix = f"Look at it, and then `chmod o-w {path}`."
        raise DoubtfulFileError(path, f"everybody may write it (mode {stat.S_IMODE(status.st_mode):04o})", fix)
