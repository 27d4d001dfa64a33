"""The name and version of the program, and how it makes a folder that is its own."""

from __future__ import annotations

import functools
import os
from pathlib import Path

NAME = "exo-bridge"


@functools.cache
def program_version() -> str:
    """The version that is installed."""
    # Takes longer to import than all commands together, and few commands need it.
    from importlib.metadata import version

    return version(NAME)


def make_own_folder(folder: Path) -> None:
    """Make a folder for this account alone, and what is missing above it; one that is there stays as it is.

    Raises OSError.
    """
    folder.mkdir(mode=_own_mode(), parents=True, exist_ok=True)


def _own_mode() -> int:
    # On Windows Python makes of 0o700 a list of rights that inherits nothing: administrators, the system and the owner.
    # Made by an elevated run, such a folder locks the service's account out. The rights of the folder above decide.
    return 0o777 if _is_windows() else 0o700


def _is_windows() -> bool:
    return os.name == "nt"
