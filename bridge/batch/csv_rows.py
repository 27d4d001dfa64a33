"""Rows of a CSV file, as Excel and others write it.

Rules: the first line that is not blank is the header, after a line ``sep=;`` where there is one. The separator is
that of the ``sep`` line, else whichever of comma, semicolon and tab the header has most of. A value in quotes may hold
separators, line breaks and doubled quotes. Rows without any value are left out, and so are empty cells at the end. A
row that is broken is told with its first line and its cell, and reading goes on at the line after it.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

from bridge.batch.rows import Entry, Header, Mistake, Row

_SEP = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_SEPARATORS = ",;\t"
_QUOTED = re.compile(r'"[^"]*(?:""[^"]*)*"?')


class _Lines:
    """The lines of a file, counted; those since ``begin`` are kept, for the row that is being read."""

    def __init__(self, lines: Iterable[str], number: int) -> None:
        self._lines = iter(lines)
        self.number = number
        self.of_row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self.of_row.append(line)
        return line

    def begin(self) -> int:
        """A row begins; the number of its first line."""
        self.of_row.clear()
        return self.number + 1


def csv_rows(stream: Iterable[str], file: str) -> Iterator[Entry]:
    """The header and the rows of a CSV whose lines keep their ends; ``file`` is its name for people."""
    stream = iter(stream)
    first, number, separator = _start(stream)
    if first is None:
        yield Mistake(file, 1, "", "The file is empty.", "Its first line names the columns.")
        return
    lines = _Lines(itertools.chain([first], stream), number - 1)
    header: Header | None = None
    reader = csv.reader(lines, delimiter=separator, strict=True)
    nameless: set[int] = set()
    while True:
        line = lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            names = header.columns if header else ()
            yield _broken(file, line, "".join(lines.of_row), separator, names)
            if header is None:
                return
            continue
        if header is None:
            header = Header(line, tuple(cells))
            yield header
        elif _without_end(cells):
            yield from _nameless(file, header, line, cells, nameless)
            yield _row(file, header, line, cells)


def _start(stream: Iterator[str]) -> tuple[str | None, int, str]:
    """The header's first line, its number, and the separator."""
    separator = ""
    for number, line in enumerate(stream, 1):
        if (said := _SEP.fullmatch(line)) and not separator:
            separator = said[1]
        elif line.strip():
            return line, number, separator if _can_part(separator) else _most(line)
    return None, 1, ""


def _can_part(separator: str) -> bool:
    return separator != "" and separator not in '"\r\n '


def _most(header: str) -> str:
    """The separator of which a header has most outside of quotes; the comma where there is none."""
    bare = _QUOTED.sub("", header)
    return max(_SEPARATORS, key=bare.count)


def _without_end(cells: Sequence[str]) -> Sequence[str]:
    """The cells without the empty ones at the end."""
    count = len(cells)
    while count and not cells[count - 1].strip():
        count -= 1
    return cells[:count]


def _name(columns: Sequence[str], position: int) -> str:
    """What a column is called in a message."""
    name = columns[position].strip() if position < len(columns) else ""
    return name or f"column {position + 1}"


def _row(file: str, header: Header, line: int, cells: Sequence[str]) -> Row:
    columns = header.columns
    cells = _without_end(cells)
    mistakes: tuple[Mistake, ...] = ()
    if len(cells) > len(columns):
        mistakes = (
            Mistake(
                file,
                line,
                _name(columns, len(columns)),
                f"The row has {len(cells)} cells, and the header has {len(columns)}.",
                "Put quotes around a value that has the separator in it.",
            ),
        )
    named = tuple((name, cell) for name, cell in zip(columns, cells, strict=False) if name.strip())
    return Row(line, named, mistakes=mistakes)


def _nameless(file: str, header: Header, line: int, cells: Sequence[str], told: set[int]) -> Iterator[Mistake]:
    """A column without a name has a value: told once."""
    for position, (name, cell) in enumerate(zip(header.columns, cells, strict=False)):
        if not name.strip() and cell.strip() and position not in told:
            told.add(position)
            yield Mistake(
                file,
                header.line,
                _name((), position),
                f"The column has no name, and a value on line {line}.",
                "Give it a name, or take its values out.",
            )


def _broken(file: str, line: int, text: str, separator: str, columns: Sequence[str]) -> Mistake:
    """Why and in which cell ``csv`` gave a row up; ``text`` is what it had read of it."""
    limit = csv.field_size_limit()
    position = start = 0
    while True:
        quoted = _QUOTED.match(text, start)
        end = quoted.end() if quoted else text.find(separator, start)
        end = len(text) if end < 0 else end
        if end - start > limit:
            message, fix = f"The cell has more than {limit} characters.", "Is a quote not closed?"
            break
        if quoted and not _is_closed(quoted[0]):
            message, fix = (
                "The quote at the start of the cell is never closed.",
                "Close it, or double a quote in a text.",
            )
            break
        if quoted and text[end : end + 1] not in (separator, "\r", "\n", ""):
            message = f"After the closing quote comes {text[end]!r}."
            fix = "Put the whole value in quotes, and write each quote in it twice."
            break
        if end >= len(text):
            message, fix = "The row cannot be read as CSV.", "Look for a quote that is not closed."
            break
        position, start = position + 1, end + 1
    return Mistake(file, line, _name(columns, position), message, fix)


def _is_closed(quoted: str) -> bool:
    """Whether a text that begins with a quote ends with the one that closes it."""
    return len(quoted) > 1 and quoted.count('"') % 2 == 0
