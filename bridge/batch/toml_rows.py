"""Rows of a TOML file: a list of tables named ``items``, the names in each the columns. The whole file is in memory."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

from bridge.batch.rows import Entry, Mistake, Row

_HEAD = re.compile(r"^[ \t]*\[\[[ \t]*(?:items|\"items\"|'items')[ \t]*\]\]", re.MULTILINE)
_PLACE = re.compile(r"(?P<what>.*?) ?\(at line (?P<line>\d+), column (?P<column>\d+)\)", re.DOTALL)
_FORM = "Each row is a table [[items]]."


def toml_rows(text: str, file: str) -> Iterator[Entry]:
    """The rows of a TOML file; ``file`` is its name for people."""
    text = text.replace("\r\n", "\n")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield _not_toml(file, text, str(error))
        return
    except (ValueError, RecursionError):
        yield Mistake(file, 1, "", "It cannot be read: it is nested too deep, or has a number that is too long.")
        return
    for name in document:
        if name != "items":
            yield Mistake(file, _line_of_name(text, name), name, f"There is no {name!r} here.", _FORM)
    items = document.get("items", [])
    if not isinstance(items, list):
        yield Mistake(file, _line_of_name(text, "items"), "items", "It is not a list.", _FORM)
        return
    for line, item in zip(_lines(text, len(items)), items, strict=True):
        if isinstance(item, dict):
            yield Row(line, tuple(item.items()), typed=True)
        else:
            yield Mistake(file, line, "items", "It is not a table.", _FORM)


def _not_toml(file: str, text: str, said: str) -> Mistake:
    found = _PLACE.fullmatch(said)
    if found is None:
        # At the end of the document.
        return Mistake(file, text.count("\n") + 1, "", f"It is not TOML: {said}.")
    return Mistake(file, int(found["line"]), f"character {found['column']}", f"It is not TOML: {found['what']}.")


def _lines(text: str, count: int) -> list[int]:
    """The lines on which the items begin, which no TOML reader tells."""
    starts = [found.start() for found in _HEAD.finditer(text)]
    if len(starts) > count:
        # One stands in a text of several lines: what is before it is no TOML.
        starts = [start for start in starts if _is_toml(text[:start])]
    if len(starts) != count:
        # They are written as one list.
        return [_line_of_name(text, "items")] * count
    return [text.count("\n", 0, start) + 1 for start in starts]


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _line_of_name(text: str, name: str) -> int:
    """The line on which a name first begins a line, bare, in quotes or in brackets; 1 where it does not."""
    found = re.search(rf"^[ \t\[]*[\"']?{re.escape(name)}\b", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1
