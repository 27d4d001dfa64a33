"""How far a run is, on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bridge.cli.progress_bar import ProgressBar
from bridge.journal import State

if TYPE_CHECKING:
    from bridge.model import Call

_LINE_SECONDS = 10.0
_LEFT = (State.PLANNED, State.OPEN)


class ApplyProgress:
    """Told of each item, see ``bridge.batch.applying.Progress``; as a context it takes the bar away in the end.

    With ``lines`` there is no bar even on a terminal, because something else writes lines there.
    """

    def __init__(self, *, lines: bool = False) -> None:
        self._has_bar = sys.stderr.isatty() and not lines
        self._bar = ProgressBar("Applying")
        self._began = self._told = time.monotonic()
        self._before: int | None = None
        self._about = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def __call__(self, counts: Mapping[State, int], current: Call | None, note: str = "") -> None:
        """How many items stand where, and the one that was begun last; ``note`` is what else is to be known."""
        total, left = sum(counts.values()), sum(counts.get(state, 0) for state in _LEFT)
        done = total - left
        if self._before is None:
            self._before = done
        if current is not None:
            self._about = str(next(iter(current.parameters.values()), ""))
        rate = (done - self._before) / max(time.monotonic() - self._began, 0.001)
        noted = f"; {note}" if note else ""
        if self._has_bar:
            self._bar.move(done, total, f"{_counted(counts)}  {rate:.1f}/s{noted}  {self._about}")
        elif time.monotonic() - self._told >= _LINE_SECONDS:
            self._told = time.monotonic()
            self._tell(f"{done} of {total}: {_counted(counts)}; {rate:.1f} a second{noted}{_time_left(left, rate)}")

    def tell(self, sentence: str) -> None:
        """A sentence for whoever watches; a bar stays below it."""
        self._bar.say(sentence)

    def _tell(self, text: str) -> None:
        self.tell(f"{text}; now {self._about}." if self._about else f"{text}.")


def _counted(counts: Mapping[State, int]) -> str:
    told = [f"{count} {state}" for state, count in counts.items() if count and state not in _LEFT]
    return ", ".join(told) or "nothing done yet"


def _time_left(left: int, rate: float) -> str:
    if not left or rate <= 0:
        return ""
    seconds = left / rate
    return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"
