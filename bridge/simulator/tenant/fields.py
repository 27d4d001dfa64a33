"""Reads dataclasses from the tables of a tenant file and writes them back, field by field.

Rules: the keys of a table are the fields of its class; a key that is none, one that is missing and a value of another
type are refused with the place and what would be right. What equals its default is not written.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from bridge.simulator.tenant.objects import AccessEntry, AutomaticReplies, FolderEntry, Hold, Regional
from bridge.simulator.tenant.records import TenantFileError
from bridge.simulator.tenant.state import Certificate
from bridge.simulator.tenant.throttle import Throttle

_Made = TypeVar("_Made")

_NESTED: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (AccessEntry, Certificate, AutomaticReplies, FolderEntry, Hold, Regional, Throttle)
}


class FieldReader:
    """Reads for one file, whose ``path`` is named in every error."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._plain: dict[str, Callable[[Any, str], Any]] = {
            "str": self._text,
            "bool": self._flag,
            "int": self._count,
            "float": self._seconds,
            "Mapping[str, str]": self._texts_by_key,
            "Mapping[str, tuple[str, ...]]": self._lists_by_key,
        }

    def fail(self, place: str, message: str) -> TenantFileError:
        """The error for a place in this file."""
        return TenantFileError(self._path, place, message)

    def read(self, kind: type[_Made], table: Any, place: str) -> _Made:
        """An object of the dataclass ``kind``. Raises TenantFileError."""
        known = _stored(kind)
        self.check_keys(table, known, place)
        missing = [
            name for name, field in known.items() if name not in table and _default(field) is dataclasses.MISSING
        ]
        if missing:
            raise self.fail(place, f"the key {', '.join(missing)} is missing")
        return kind(**{key: self._value(str(known[key].type), table[key], join(place, key)) for key in table})

    def check_keys(self, table: Any, known: Collection[str], place: str) -> None:
        """That it is a table, and that it has no other keys than these. Raises TenantFileError."""
        if not isinstance(table, Mapping):
            raise self.fail(place, f"a table is needed here, not {_name(table)}")
        for key in table:
            if key not in known:
                names = list(known)
                near = difflib.get_close_matches(str(key), names, 1)
                hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(names)}"
                raise self.fail(join(place, str(key)), f"this key is not known; {hint}")

    def items(self, value: Any, place: str) -> list[Any]:
        """A list. Raises TenantFileError."""
        if not isinstance(value, list):
            raise self.fail(place, f"a list is needed here, not {_name(value)}")
        return value

    def _value(self, annotation: str, value: Any, place: str) -> Any:
        read = self._plain.get(annotation)
        if read is not None:
            return read(value, place)
        if annotation in _NESTED:
            return self.read(_NESTED[annotation], value, place)
        item = annotation.removeprefix("tuple[").removesuffix(", ...]")
        return tuple(
            self._value(item, one, f"{place}[{index}]") for index, one in enumerate(self.items(value, place), 1)
        )

    def _text(self, value: Any, place: str) -> str:
        if not isinstance(value, str):
            raise self.fail(place, f"a text is needed here, not {_name(value)}")
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise self.fail(place, "half of a character stands in this text (a surrogate alone)") from None
        return value

    def _flag(self, value: Any, place: str) -> bool:
        if not isinstance(value, bool):
            raise self.fail(place, f"true or false is needed here, not {_name(value)}")
        return value

    def _count(self, value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self.fail(place, f"a whole number from 0 is needed here, not {_name(value)}")
        return value

    def _seconds(self, value: Any, place: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise self.fail(place, f"seconds, a number from 0, are needed here, not {_name(value)}")
        return float(value)

    def _texts_by_key(self, value: Any, place: str) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise self.fail(place, f"a table is needed here, not {_name(value)}")
        return {str(key): self._text(item, join(place, str(key))) for key, item in value.items()}

    def _lists_by_key(self, value: Any, place: str) -> dict[str, tuple[str, ...]]:
        if not isinstance(value, Mapping):
            raise self.fail(place, f"a table is needed here, not {_name(value)}")
        return {str(key): self._value("tuple[str, ...]", item, join(place, str(key))) for key, item in value.items()}


def table_of(thing: Any) -> dict[str, Any]:
    """A dataclass as the table that reads back as an equal one: plain values, without what is the default."""
    table = {}
    for name, field in _stored(type(thing)).items():
        value = getattr(thing, name)
        if value != _default(field):
            table[name] = _to_plain(value)
    return table


def join(place: str, key: str) -> str:
    """The place of a key in the table at ``place``."""
    return f"{place}.{key}" if place else key


def _stored(kind: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    """The fields that are in a file, by name; those that count what happens are not."""
    return {field.name: field for field in dataclasses.fields(kind) if field.compare}


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()


def _to_plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return table_of(value)
    if isinstance(value, tuple):
        return [_to_plain(item) for item in value]
    return {key: _to_plain(item) for key, item in value.items()} if isinstance(value, Mapping) else value


def _name(value: Any) -> str:
    """A value in a message: its kind for what is large, itself for what is small."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)[:40]
    if isinstance(value, str):
        return "a text"
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else "a date"
