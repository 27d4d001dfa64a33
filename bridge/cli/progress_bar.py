"""A progress bar on stderr, for a person at a terminal. Where it cannot be shown the work goes on without it."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from bridge.cli import output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ProgressBar:
    """A bar with this title, shown from its first move on. Nothing here raises for a terminal that is gone."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def move(self, done: int, total: int, text: str) -> None:
        """So many of so many are done; ``text`` stands beside it."""
        with contextlib.suppress(OSError):
            if self._progress is None or self._task is None:
                self._progress = _bar()
                self._task = self._progress.add_task(self._title, total=total, text="")
                self._progress.start()
            self._progress.update(self._task, completed=done, total=total, text=output.shown(text))

    def say(self, sentence: str) -> None:
        """A sentence on stderr; a bar stays below it."""
        if self._progress is None:
            output.print_line(sentence, stderr=True)
            return
        with contextlib.suppress(OSError):
            self._progress.console.print(output.shown(sentence), markup=False, highlight=False)

    def close(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            with contextlib.suppress(OSError):
                self._progress.stop()


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
