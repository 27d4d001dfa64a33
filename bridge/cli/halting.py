"""Signals while a batch runs: after the first one the item that is under way comes to its end, the second stops it."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from types import FrameType

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_TOLD = b"\nStopping after the item that is under way; once more stops it at once.\n"
_STDERR = 2


class Halt:
    """Whether somebody asked for an end."""

    def __init__(self) -> None:
        self.is_asked = False

    def __call__(self) -> bool:
        """Whether no further item is to be begun."""
        return self.is_asked


@contextlib.contextmanager
def halting() -> Iterator[Halt]:
    """While this is entered a signal asks for an end, and a second one raises KeyboardInterrupt."""
    halt = Halt()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if halt.is_asked:
            raise KeyboardInterrupt
        halt.is_asked = True
        # What is written in between must not meet a print that was interrupted.
        with contextlib.suppress(OSError):
            os.write(_STDERR, _TOLD)

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
