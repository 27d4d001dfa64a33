"""Where a command may put the file that it writes: looked at before the work, not after it."""

from __future__ import annotations

from pathlib import Path

from bridge.errors import UsageError


def check_place(file: Path, option: str, *, force: bool = True) -> None:
    """Raise UsageError when a file cannot go there; without ``force`` also when one is there already.

    What is there and is no plain file, such as /dev/null, is never replaced.
    """
    if file.is_dir():
        raise UsageError(f"{option}: {file} is a folder; give the name of a file.")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"{option}: there is no folder {file.absolute().parent}.")
    if file.exists() and not file.is_file():
        raise UsageError(f"{option}: {file} is no plain file, and is not replaced.")
    if file.exists() and not force:
        raise UsageError(f"{file} is there already.", remedy=f"Give another {option}, or --force to replace it.")
