"""One request to the process that serves an address, from Python."""

from __future__ import annotations

import json
import time

from bridge.helloid.resident.channel import connect
from bridge.helloid.resident.lines import LARGEST_ANSWER, Lines

_CONNECT_SECONDS = 2.0


class Refused(Exception):  # noqa: N818  # what has happened, as in errors.py
    """The request was not begun; ``code`` is one of those in ``server.py``."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def ask(address: str, document: bytes, seconds: float) -> bytes:
    """The answer to a request's document, which may take so many seconds.

    Raises Refused, FileNotFoundError or ConnectionRefusedError where nobody serves the address, PermissionError where
    another account does, TimeoutError, and ConnectionError where the process ended without an answer: only after the
    last two may the request have been begun.
    """
    until = time.monotonic() + seconds
    connection = connect(address, min(seconds, _CONNECT_SECONDS))
    try:
        lines = Lines(connection)
        lines.write(document, until - time.monotonic())
        answer = lines.read(until - time.monotonic(), most=LARGEST_ANSWER)
    finally:
        connection.close()
    if not answer:
        raise ConnectionError(f"{address} ended without an answer")
    if answer.startswith(b'{"refused"'):
        refused = json.loads(answer)["refused"]
        raise Refused(refused["code"], refused["message"])
    return answer
