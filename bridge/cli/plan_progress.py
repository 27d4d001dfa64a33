"""How far a plan in the making is, on stderr: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_LINE_SECONDS = 5.0


class PlanProgress:
    """Told of each item; as a context it takes the bar away in the end.

    With ``lines`` there is no bar even on a terminal, because something else writes lines there.
    """

    def __init__(self, *, lines: bool = False) -> None:
        self._has_bar = sys.stderr.isatty() and not lines
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._told = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int, about: str) -> None:
        """So many of so many items were looked at, the last one about this."""
        from bridge.cli import output

        if self._has_bar:
            self._move(done, total, output.shown(about))
        elif time.monotonic() - self._told >= _LINE_SECONDS:
            self._told = time.monotonic()
            output.print_line(f"Looked at {done} of {total}, now {about}.", stderr=True)

    def _move(self, done: int, total: int, about: str) -> None:
        if self._bar is None or self._task is None:
            self._bar = _bar()
            self._task = self._bar.add_task("Looking", total=total, about=about)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total, about=about)


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
        TextColumn("{task.fields[about]}", markup=False, table_column=Column(no_wrap=True, ratio=1)),
        console=Console(file=sys.stderr),
        transient=True,
    )
