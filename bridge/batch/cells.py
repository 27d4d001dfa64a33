"""One cell and the value it stands for.

Rules: a text is taken as it is, in a CSV without the blanks around it. A flag is yes or no, true or false, 1 or 0, in
any case. Several values in one cell have ``;`` or a line break between them; blanks around each do not count, and a
value that begins with a quote, or holds a ``;``, a line break or blanks at its ends, stands in double quotes, with each
quote in it written twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time

_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_SHOWN = 60
_VALUE = re.compile(
    r"""[ \t]*+(?: "(?P<quoted>[^"]*(?:""[^"]*)*)"[ \t]* | (?P<bare>[^";\r\n][^;\r\n]*|) )(?P<end>;|\r\n|\r|\n|\Z)""",
    re.VERBOSE,
)


def text_of(value: object) -> str:
    """A value of JSON or TOML as a text; a whole number is its digits. Raises ValueError."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"{short(value)} is not a text; put it in quotes")


def flag_of(value: object) -> bool:
    """Yes or no. Raises ValueError."""
    flag = value if isinstance(value, bool) else _FLAGS.get(str(value).strip().lower())
    if flag is None or not isinstance(value, bool | str | int):
        raise ValueError(f"{short(value)} is not yes or no")
    return flag


def list_of(value: object, *, typed: bool) -> list[str]:
    """Several values: of a list, of a cell, or of one text that is ``typed``. Raises ValueError."""
    if isinstance(value, list) and typed:
        return [text_of(one) for one in value]
    return [text_of(value)] if typed else split(text_of(value))


def split(cell: str) -> list[str]:
    """The values in a cell. Raises ValueError when its quotes do not fit."""
    values = []
    position = 0
    while found := _VALUE.match(cell, position):
        if found["quoted"] is not None:
            values.append(found["quoted"].replace('""', '"'))
        elif found["bare"].strip():
            values.append(found["bare"].strip())
        position = found.end()
        if not found["end"]:
            return values
    raise ValueError("its quotes do not fit; a value that begins with a quote stands in quotes, each of its own twice")


def join(values: Iterable[str]) -> str:
    """The cell from which ``split`` takes these values."""
    return ";".join(f'"{value.replace(chr(34), chr(34) * 2)}"' if _needs_quotes(value) else value for value in values)


def short(value: object) -> str:
    """A value in a message: in quotes, and not long."""
    text = str(value) if isinstance(value, date | time) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _needs_quotes(value: str) -> bool:
    return value != value.strip() or value.startswith('"') or any(one in value for one in ";\r\n")
