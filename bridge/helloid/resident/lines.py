"""A request and an answer as one line of JSON each: UTF-8, ended by a line feed.

Rule: whoever says nothing, half a line or too much is given up after its time; nothing is kept of it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bridge.helloid.envelope import MAX_BYTES

if TYPE_CHECKING:
    from bridge.helloid.resident.channel import Connection

LARGEST_REQUEST = MAX_BYTES + 2**20
"""Bytes; what is too long for a request itself is answered as such."""
LARGEST_ANSWER = 512 * 2**20
"""Bytes. An import of all permissions of a large organization takes some ten million."""
_CHUNK = 65536


class TooLargeError(Exception):
    """A line has more bytes than it may have."""


class Lines:
    """The lines of one connection. What follows a line is kept for the next."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rest = b""

    def read(self, seconds: float, *, most: int = LARGEST_REQUEST) -> bytes:
        """The next line without its end; b"" when the other end closed before there was one.

        Raises TimeoutError when it is not there in time, TooLargeError, and OSError.
        """
        until = time.monotonic() + seconds
        # The parts are joined once: a long line arrives in a thousand of them.
        parts, size = [self._rest], len(self._rest)
        while b"\n" not in parts[-1]:
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError("not in time")
            part = self._connection.receive(_CHUNK, left)
            if not part:
                return b""
            size += len(part)
            # What is too long is read to its end all the same: who is still writing reads no refusal.
            if size > most:
                parts.clear()
            parts.append(part)
        line, _, self._rest = b"".join(parts).partition(b"\n")
        if size - len(self._rest) > most:
            raise TooLargeError
        return line

    def write(self, line: bytes, seconds: float) -> None:
        """Send one line. ``line`` is a JSON document; line breaks between its parts become blanks.

        Raises TimeoutError and OSError.
        """
        self._connection.send(line.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n", seconds)
