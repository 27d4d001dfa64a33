"""How far a plan in the making is, on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from bridge.cli.progress_bar import ProgressBar

_LINE_SECONDS = 5.0


class PlanProgress:
    """Told of each item; as a context it takes the bar away in the end.

    With ``lines`` there is no bar even on a terminal, because something else writes lines there.
    """

    def __init__(self, *, lines: bool = False) -> None:
        self._has_bar = sys.stderr.isatty() and not lines
        self._bar = ProgressBar("Looking")
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def __call__(self, done: int, total: int, about: str) -> None:
        """So many of so many items were looked at, the last one about this."""
        if self._has_bar:
            self._bar.move(done, total, about)
        elif time.monotonic() - self._told >= _LINE_SECONDS:
            self._told = time.monotonic()
            self._bar.say(f"Looked at {done} of {total}, now {about}.")
