"""A local way from one process of an account to another of the same account, and to nobody else.

Rule: whoever is let in was checked by the system, never by what it says of itself.
"""

from __future__ import annotations

import sys
from typing import Protocol


class Connection(Protocol):
    """Two ends, bytes in both directions. Used by one thread at a time, but for ``is_gone``."""

    def receive(self, most: int, seconds: float) -> bytes:
        """The next bytes, at most ``most``; b"" when the other end closed. Raises TimeoutError, OSError."""

    def send(self, data: bytes, seconds: float) -> None:
        """All of it. Raises TimeoutError, OSError: how much went over is not known then."""

    def is_gone(self) -> bool:
        """Whether the other end closed, with nothing left to read. Never raises, and does not wait."""

    def close(self) -> None:
        """End it. Never raises."""


class Channel(Protocol):
    """Where clients come in."""

    def accept(self, seconds: float) -> Connection | None:
        """The next client; None when nobody came in time, or somebody who is not let in. Raises OSError."""

    def close(self) -> None:
        """Let nobody in any more. Never raises."""


if sys.platform == "win32":
    from bridge.helloid.resident.channel_win32 import connect, listen
else:
    from bridge.helloid.resident.channel_unix import connect, listen

__all__ = ["Channel", "Connection", "connect", "listen"]
