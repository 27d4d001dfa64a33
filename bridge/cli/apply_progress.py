"""How far a run is, on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from bridge.journal import State

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from bridge.model import Call

_LINE_SECONDS = 10.0
_LEFT = (State.PLANNED, State.OPEN)


class ApplyProgress:
    """Told of each item, see ``bridge.batch.applying.Progress``; as a context it takes the bar away in the end.

    With ``lines`` there is no bar even on a terminal, because something else writes lines there.
    """

    def __init__(self, *, lines: bool = False) -> None:
        self._has_bar = sys.stderr.isatty() and not lines
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._began = self._told = time.monotonic()
        self._before: int | None = None
        self._about = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

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
            self._move(done, total, f"{_counted(counts)}  {rate:.1f}/s{noted}  {self._about}")
        elif time.monotonic() - self._told >= _LINE_SECONDS:
            self._told = time.monotonic()
            self._tell(f"{done} of {total}: {_counted(counts)}; {rate:.1f} a second{noted}{_time_left(left, rate)}")

    def tell(self, sentence: str) -> None:
        """A sentence for whoever watches; a bar stays below it."""
        from bridge.cli import output

        if self._bar is not None:
            self._bar.console.print(output.shown(sentence), markup=False, highlight=False)
        else:
            output.print_line(sentence, stderr=True)

    def _tell(self, text: str) -> None:
        self.tell(f"{text}; now {self._about}." if self._about else f"{text}.")

    def _move(self, done: int, total: int, text: str) -> None:
        from bridge.cli import output

        if self._bar is None or self._task is None:
            self._bar = _bar()
            self._task = self._bar.add_task("Applying", total=total, text="")
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total, text=output.shown(text))


def _counted(counts: Mapping[State, int]) -> str:
    told = [f"{count} {state}" for state, count in counts.items() if count and state not in _LEFT]
    return ", ".join(told) or "nothing done yet"


def _time_left(left: int, rate: float) -> str:
    if not left or rate <= 0:
        return ""
    seconds = left / rate
    return f", {seconds / 60:.0f} min left" if seconds >= 90 else f", {seconds:.0f} s left"


def _bar() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        # What comes from a file or from Exchange is never read as markup.
        TextColumn("{task.fields[text]}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
        console=Console(file=sys.stderr),
        transient=True,
    )
