"""Signals while one thing after the other is done: after the first what is under way ends, the second stops it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_STDERR = 2


class Halt:
    """Whether somebody asked for an end."""

    def __init__(self) -> None:
        self.is_asked = False

    def __call__(self) -> bool:
        """Whether nothing further is to be begun."""
        return self.is_asked


@contextlib.contextmanager
def halting(what: str) -> Iterator[Halt]:
    """While this is entered a signal asks for an end, and a second one raises KeyboardInterrupt.

    ``what`` is done one after the other: it is told that the one under way comes to its end.
    """
    halt = Halt()
    told = f"\nStopping after the {what} that is under way; once more stops it at once.\n".encode("ascii")

    def handle(_number: int, _frame: FrameType | None) -> None:
        if halt.is_asked:
            raise KeyboardInterrupt
        halt.is_asked = True
        # What is written in between must not meet a print that was interrupted.
        with contextlib.suppress(OSError):
            os.write(_STDERR, told)

    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread: the process's owner decides
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            # What was told to be ignored, as nohup does with SIGHUP, stays ignored.
            if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handle)
    try:
        yield halt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
