"""The line on which each key of a TOML file stands, which no TOML reader tells."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any


def lines_of(text: str) -> dict[tuple[str, ...], int]:
    """The line, from 1, on which each section and each key of a section first stands.

    The text is valid TOML. A statement is a run of lines that is TOML by itself; no part of one is.
    """
    found: dict[tuple[str, ...], int] = {}
    header: tuple[str, ...] = ()
    statement, start = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        start = start if statement else number
        statement += f"{line}\n"
        try:
            table = tomllib.loads(statement)
        except (ValueError, RecursionError):
            continue
        is_header, statement = statement.lstrip().startswith("["), ""
        if is_header:
            header = _header(table)
        for path in [header] if is_header else _paths(table, header):
            found.setdefault(path[:1], start)
            found.setdefault(path[:2], start)
    return found


def _header(table: Any) -> tuple[str, ...]:
    """The path that a header opens: ``[a.b]`` is ``{"a": {"b": {}}}``, and ``[[a]]`` is ``{"a": [{}]}``."""
    path: tuple[str, ...] = ()
    while table:
        if isinstance(table, list):
            table = table[0]
        else:
            key, table = next(iter(table.items()))
            path = (*path, key)
    return path


def _paths(table: dict[str, Any], header: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of the keys of one statement, and of those one level below, as in ``agent = { host = "a" }``."""
    for key, value in table.items():
        yield (*header, key)
        if isinstance(value, dict):
            for inner in value:
                yield (*header, key, inner)
