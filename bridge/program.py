"""The name and version of the program."""

from __future__ import annotations

import functools

NAME = "exo-bridge"


@functools.cache
def program_version() -> str:
    """The version that is installed."""
    # Takes longer to import than all commands together, and few commands need it.
    from importlib.metadata import version

    return version(NAME)
