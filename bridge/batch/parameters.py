"""From the cells of a row to an action's parameters, with a problem for each that is wrong."""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pydantic

from bridge.actions.fields import takes_list, value_type
from bridge.batch.cells import flag_of, list_of, short, text_of
from bridge.batch.encodings import damaged_byte
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.actions.action import Action, Parameters
    from bridge.model import Call

Cells = Mapping[str, tuple[str, object]]
"""The cells of a row that were given, by the key of their column: the column as the file names it, and the value."""

_LONGEST = 400


@dataclass(frozen=True)
class Problem:
    """What is wrong with a parameter; ``name`` is its name, or empty where several do not go together."""

    name: str
    message: str
    fix: str = ""
    is_missing: bool = False


@functools.lru_cache(maxsize=1000)
def key_of(name: str) -> str:
    """What is the same in all spellings of a column: ``user_name``, ``User-Name`` and ``UserName``."""
    return re.sub(r"[-_\s]", "", name).lower()


def read_cells(action: Action, cells: Cells, *, typed: bool, several: str = "") -> tuple[dict[str, Any], list[Problem]]:
    """The values by the action's names for them, and what is no value. ``several`` names one that may be a list too."""
    fields = _fields(action.parameters, action.each)
    given: dict[str, Any] = {}
    problems = []
    for key, (column, value) in cells.items():
        if key not in fields:
            known = ", ".join(field.name for field in fields.values())
            problems.append(Problem(column, f"{action.name} has no {short(column.strip())}.", f"It takes {known}."))
            continue
        name = fields[key].name
        try:
            read = _value(fields[key], value, typed=typed, is_list=name == several)
        except ValueError as error:
            problems.append(Problem(name, _sentence(str(error))))
        except _DamagedError as damaged:
            problems.append(Problem(name, str(damaged), "Save the file as UTF-8, or say with --encoding what it is."))
        else:
            if read != []:
                given[name] = read
    return given, problems


def calls_of(
    action: Action, given: Mapping[str, Any], defaults: Mapping[str, Any], *, apart_from: Collection[str] = ()
) -> tuple[list[Call], list[Problem]]:
    """The calls that parameters mean, or what is wrong with them; ``apart_from`` names what is known to be wrong."""
    said = ""
    if not apart_from:
        try:
            return action.calls(given, defaults=defaults), []
        except UsageError as error:
            said = error.message
    present = {name: value for name, value in defaults.items() if value and name in action.parameters.model_fields}
    present |= given
    values = present.pop(action.each, [None]) if action.each else [None]
    problems: dict[Problem, None] = {}
    for value in values:
        try:
            action.parameters.model_validate(present | ({action.each: value} if value is not None else {}))
        except pydantic.ValidationError as error:
            problems |= dict.fromkeys(_problem(dict(one)) for one in error.errors(include_url=False))
    if said and not problems:
        # Never dropped in silence.
        return [], [Problem("", _sentence(said))]
    # Where a value is wrong, that it seems to be missing says nothing, and neither does what goes with what.
    return [], [one for one in problems if not apart_from or (one.name and one.name not in apart_from)]


class _DamagedError(Exception):
    """A text has a byte that stands for no character."""


@dataclass(frozen=True)
class _Field:
    """What is asked of a field for every row."""

    name: str
    is_flag: bool
    takes_several: bool


@functools.cache
def _fields(model: type[Parameters], each: str) -> dict[str, _Field]:
    """The fields of an action by the keys of their columns."""
    return {
        key_of(name): _Field(name, value_type(field) is bool, name == each or takes_list(field))
        for name, field in model.model_fields.items()
    }


def _value(field: _Field, value: object, *, typed: bool, is_list: bool) -> Any:
    """A cell as the model wants it. Raises ValueError, _DamagedError."""
    if field.is_flag:
        return flag_of(value)
    for text in value if isinstance(value, list) else [value]:
        _check_bytes(text)
    if is_list or field.takes_several:
        return list_of(value, typed=typed)
    # Nobody sees the blank at the end of a cell.
    return text_of(value) if typed else text_of(value).strip()


def _check_bytes(value: object) -> None:
    for position, character in enumerate(value if isinstance(value, str) and not value.isascii() else ""):
        byte = damaged_byte(character)
        if byte is not None:
            raise _DamagedError(f"Character {position + 1} is the byte 0x{byte:02X}, which is none in this encoding.")


def _problem(error: Mapping[str, Any]) -> Problem:
    """One mistake of pydantic's, in the words of a file."""
    name = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "missing":
        return Problem(name, "It is missing.", "Give it a value.", is_missing=True)
    if error["type"] == "literal_error":
        return Problem(name, f"{short(error['input'])} is not possible.", f"One of {error['ctx']['expected']}.")
    # What is an option on a command line is a column here.
    return Problem(name, _sentence(re.sub(r"(?<!\S)--(?=[a-z])", "", str(error["msg"]).removeprefix("Value error, "))))


def _sentence(text: str) -> str:
    """With a capital letter and a full stop, and no longer than a person reads."""
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "?", "...")) else ".")
