"""What an input file consists of: a header, rows, and what is wrong with them. Frozen data, no input or output.

Rules: lines count from 1, as an editor counts them; a row that goes over several lines stands where it begins. A column
has the name that the file gives it, or is ``column 3`` where it has none. A *mistake* keeps the whole file from being
used; a *notice* does not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mistake:
    """One thing wrong in an input file: where it stands, what it is, what would be right.

    ``column`` is empty where the whole line is meant.
    """

    file: str
    line: int
    column: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        """One line for people."""
        where = f"{self.file}:{self.line}" + (f", {self.column}" if self.column else "")
        return f"{where}: {self.message}" + (f" {self.fix}" if self.fix else "")


@dataclass(frozen=True)
class Notice:
    """What a person should know about an input file that can be used all the same."""

    file: str
    line: int
    column: str
    message: str


@dataclass(frozen=True)
class Header:
    """The names of the columns, as the file has them; a name may be empty or stand there twice."""

    line: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One row: the names of its columns with their values, in the order of the file.

    With ``typed`` a value is what JSON or TOML say it is, and everything that is there was given; without, as in CSV,
    it is a text, and an empty one was not given. ``mistakes`` holds what reading found wrong; then it is no use.
    """

    line: int
    cells: tuple[tuple[str, object], ...]
    typed: bool = False
    mistakes: tuple[Mistake, ...] = ()


Entry = Header | Row | Mistake | Notice
"""What reading a file yields, in the order of the file."""
