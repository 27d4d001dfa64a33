"""Rows of a file of JSON lines: one object a line, its names the columns.

A value is a text, a whole number, true or false, null (not given), or a list of these. An empty text was given: that is
how an attribute is emptied, which a CSV cannot say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from bridge.batch.rows import Entry, Mistake, Row


class _Object(list[tuple[str, object]]):
    """An object with its names in order, each as often as it stands there."""


def json_rows(stream: Iterable[str], file: str) -> Iterator[Entry]:
    """The rows of JSON lines; ``file`` is its name for people."""
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield _row(file, number, line)


def _row(file: str, number: int, line: str) -> Row | Mistake:
    try:
        value = json.loads(line, object_pairs_hook=_Object)
    except json.JSONDecodeError as error:
        return Mistake(
            file, number, f"character {error.colno}", f"It is not JSON: {error.msg}.", "One object on each line."
        )
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or thousands of brackets.
        what = "it is nested too deep" if isinstance(error, RecursionError) else "it has a number that is too long"
        return Mistake(file, number, "", f"It cannot be read: {what}.")
    if not isinstance(value, _Object):
        return Mistake(
            file, number, "", "It is not an object.", 'One object on each line, such as {"group": "staff@..."}.'
        )
    return Row(number, tuple(value), typed=True)
