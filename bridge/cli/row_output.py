"""Rows that are written one by one as they come, so that a list of any length needs no memory.

Rules: a file is there whole or not at all. It is written beside its place, and put there when the read has come to its
end; a read that failed leaves what was there before. On stdout rows cannot be taken back, so there only the exit code
says that the list is whole. JSON lines have every key of a row; CSV has the action's columns, a list as its texts with
``;`` between them. A CSV is opened in a spreadsheet, which would run a display name that looks like a formula: such a
text begins with ``'`` there.
"""

from __future__ import annotations

import contextlib
import csv
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bridge.cli import output
from bridge.errors import BridgeError, UsageError
from bridge.whole_file import WholeFile, whole_file

if TYPE_CHECKING:
    from bridge.model import OnRow, Outcome

SUFFIXES = (".jsonl", ".ndjson", ".csv")
_PROGRESS_SECONDS = 0.2
# What a spreadsheet takes for a formula; a number and a telephone number begin with + or - too.
_FORMULA = re.compile(r"[=@\t\r\n]|[+-](?!(?:[\d\s()./-]*|\d+(?:[.,]\d+)*(?:[Ee][+-]?\d+)?)\Z)")

Write = Callable[[Mapping[str, Any]], None]


class RowFile:
    """The file that takes the rows. It gets its name with ``keep``, and without that leaves no trace."""

    def __init__(self, whole: WholeFile, write: Write, file: Path) -> None:
        self._whole = whole
        self._write = write
        self._file = file

    def write(self, row: Mapping[str, Any]) -> None:
        """Add one row. Raises BridgeError when the file takes no more."""
        with _said(self._file):
            self._write(row)

    def keep(self) -> None:
        """The list is whole: give the file its name. Raises BridgeError."""
        with _said(self._file):
            self._whole.keep()


@contextlib.contextmanager
def row_file(file: Path, columns: Sequence[str]) -> Iterator[RowFile]:
    """A file for rows, JSON lines or CSV by its suffix; ``columns`` are those of a CSV. Raises BridgeError."""
    is_csv = check_suffix(file) == ".csv"
    with contextlib.ExitStack() as stack:
        with _said(file):
            # With the mark at its head Windows PowerShell and Excel take a CSV as UTF-8.
            encoding = "utf-8-sig" if is_csv else "utf-8"
            whole = stack.enter_context(
                whole_file(file, encoding=encoding, errors="backslashreplace", newline="" if is_csv else "\n")
            )
            write = _csv(whole.stream, columns) if is_csv else _json_lines(whole.stream)
        yield RowFile(whole, write, file)


def check_suffix(file: Path) -> str:
    """The file's suffix in small letters. Raises UsageError when it stands for no format."""
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"--out: {file.name} has to end in one of {', '.join(SUFFIXES)}, which says its format.")
    return suffix


def print_row(row: Mapping[str, Any]) -> None:
    """One row as one JSON line on stdout, at once. Raises Interrupted when nobody reads it, and BridgeError."""
    output.print_text(output.json_text(row) + "\n")


def run_streamed(
    run: Callable[[OnRow], list[Outcome]], columns: Sequence[str], file: Path | None, *, quiet: bool
) -> list[Outcome]:
    """The outcomes of ``run``, whose rows go to the file, or as JSON lines to stdout; the file only when all went well.

    ``quiet`` keeps the number of rows from being told meanwhile. Raises BridgeError when rows cannot be written.
    """
    progress = Progress(quiet=quiet or (file is None and sys.stdout.isatty()))
    with contextlib.ExitStack() as stack:
        stack.callback(progress.end)
        rows = stack.enter_context(row_file(file, columns)) if file else None
        write = rows.write if rows else print_row

        def take(row: dict[str, Any]) -> None:
            write(row)
            progress.count()

        outcomes = run(take)
        if rows is not None and all(outcome.problem is None for outcome in outcomes):
            rows.keep()
    return outcomes


class Progress:
    """How many rows came, on stderr, for a person: nothing where stderr is not a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._is_shown = not quiet and sys.stderr.isatty()
        self._count = 0
        self._told = 0.0

    def count(self) -> None:
        """One row more."""
        self._count += 1
        now = time.monotonic()
        if self._is_shown and now - self._told >= _PROGRESS_SECONDS:
            self._told = now
            sys.stderr.write(f"\r{self._count} rows")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the count away again; the outcome says how many they were."""
        if self._is_shown and self._told:
            sys.stderr.write("\r" + " " * len(f"{self._count} rows") + "\r")
            sys.stderr.flush()


def _json_lines(stream: TextIO) -> Write:
    def write(row: Mapping[str, Any]) -> None:
        stream.write(output.json_text(row, ascii_only=False) + "\n")

    return write


def _csv(stream: TextIO, columns: Sequence[str]) -> Write:
    writer = csv.DictWriter(stream, columns, extrasaction="ignore")
    writer.writeheader()

    def write(row: Mapping[str, Any]) -> None:
        writer.writerow({column: cell(row.get(column)) for column in columns})

    return write


def cell(value: Any) -> str:
    """A value as it stands in a CSV that people open: never a formula."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        # Each item: where the system has ; for a list, a spreadsheet may take each for a cell of its own.
        return ";".join(cell(item) for item in value)
    if not isinstance(value, str):
        return "" if value is None else str(value)
    return f"'{value}" if _FORMULA.match(value) else value


@contextlib.contextmanager
def _said(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BridgeError(
            f"The rows cannot be written to {file}: {error.strerror or error}.",
            remedy="Give --out a file that can be written, on a disk with room for it.",
        ) from error
