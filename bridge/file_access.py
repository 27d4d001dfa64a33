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


def read_trusted(path: Path) -> bytes:
    """The content of a file that nobody else wrote. Raises DoubtfulFileError, and OSError."""
    with path.open("rb") as stream:
        # Of what was opened, so that it is what is read.
        _check(path, os.fstat(stream.fileno()))
        return stream.read()


def check_folders(top: Path, files: Iterable[Path]) -> None:
    """Look at ``top`` and the folders in it in which the files are. Raises DoubtfulFileError, and OSError."""
    for folder in sorted({top} | {one for file in files for one in file.parents if one.is_relative_to(top)}):
        _check(folder, folder.stat())


def _check(path: Path, status: os.stat_result) -> None:
    me = account()
    if me is None:
        return
    owners = [one.st_uid for one in (status, path.lstat()) if one.st_uid not in (me, 0)]
    if owners:
        fix = f"Look at it, and make it yours if it is to be used: `sudo chown -h {me} {path}`."
        raise DoubtfulFileError(path, f"it belongs to another account (uid {owners[0]})", fix)
    if status.st_mode & stat.S_IWOTH:
        fix = f"Look at it, and then `chmod o-w {path}`."
        raise DoubtfulFileError(path, f"everybody may write it (mode {stat.S_IMODE(status.st_mode):04o})", fix)
