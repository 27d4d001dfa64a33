"""The input and output of a pipeline, written and read faster than pypsrp does it.

pypsrp writes every value that it reads back to XML for its log, and goes through a table of all types for each that it
writes: for thousands of calls that is most of the time of a run. Here the values are written from plain data, the
fragments are put together, and the values read as the plain data that ``plain_value`` gives.

Rules: a message of which a part was lost is left out, and what comes after it is read. Sources: [MS-PSRP] 2.2.1 (the
message), 2.2.4 (the fragment), 2.2.5 (the values).
"""

from __future__ import annotations

import itertools
import re
import struct
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

from pypsrp.serializer import Serializer

from bridge.session.plain_values import snake_case

_FRAGMENT = struct.Struct(">QQBI")
_START, _END = 1, 2
_HEAD_BYTES = 40
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
# What XML cannot hold or would alter, and the beginning of what would be read as one of these.
_TO_ESCAPE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_(?=[xX][0-9A-Fa-f]{4}_)")
_HASHTABLE = "<T>System.Collections.Hashtable</T><T>System.Object</T>"
_LIST = "<T>System.Object[]</T><T>System.Array</T><T>System.Object</T>"
_INT32 = range(-(2**31), 2**31)


class PlainSerializer(Serializer):
    """Stands for pypsrp's where only plain data is sent."""

    def serialize(self, value: Any, *_: Any, **__: Any) -> bytes:  # type: ignore[override]  # a message takes bytes too
        """Plain data as the XML of a value."""
        return written(value, itertools.count()).encode("utf-8")


def written(value: Any, numbers: Iterator[int]) -> str:
    """A value as XML: str, bool, int, None, and lists and dicts of them. Raises TypeError for any other.

    ``numbers`` are for the objects in it, and of their types.
    """
    match value:
        case str():
            return f"<S>{_escaped(value)}</S>"
        case None:
            return "<Nil />"
        case bool():
            return f"<B>{str(value).lower()}</B>"
        case int():
            tag = "I32" if value in _INT32 else "I64"
            return f"<{tag}>{value}</{tag}>"
        case Mapping():
            entries = "".join(
                f'<En><S N="Key">{_escaped(key)}</S>{_named(written(item, numbers))}</En>'
                for key, item in value.items()
            )
            return _complex(_HASHTABLE, f"<DCT>{entries}</DCT>", next(numbers))
        case list() | tuple():
            return _complex(_LIST, f"<LST>{''.join(written(item, numbers) for item in value)}</LST>", next(numbers))
    raise TypeError(f"a value of the type {type(value).__name__} cannot be sent to a batch")


def _complex(types: str, content: str, number: int) -> str:
    return f'<Obj RefId="{number}"><TN RefId="{number}">{types}</TN>{content}</Obj>'


def _named(element: str) -> str:
    """The element of a value, as that of an entry's value."""
    end = min(element.index(mark) for mark in (" ", ">") if mark in element)
    return f'{element[:end]} N="Value"{element[end:]}'


def _escaped(text: str) -> str:
    return escape(_TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", text))


class Messages:
    """Puts messages together out of the fragments in which they arrive."""

    def __init__(self) -> None:
        self._parts: dict[int, list[bytes]] = {}

    def take(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages that are whole now: the number of the message's type, and its data (XML).

        Raises ValueError for what are no fragments.
        """
        position = 0
        while position < len(data):
            if len(data) - position < _FRAGMENT.size:
                raise ValueError("a fragment without a whole head")
            message, number, flags, length = _FRAGMENT.unpack_from(data, position)
            position += _FRAGMENT.size
            part = data[position : position + length]
            position += length
            if len(part) < length:
                raise ValueError("a fragment that is cut off")
            whole = self._add(message, number, flags, part)
            if whole is not None:
                yield int.from_bytes(whole[4:8], "little"), whole[_HEAD_BYTES:].removeprefix(_BYTE_ORDER_MARK)

    def _add(self, message: int, number: int, flags: int, part: bytes) -> bytes | None:
        """The whole message, when this part is its last and none was lost."""
        if flags & _START:
            self._parts[message] = []
        parts = self._parts.get(message)
        if parts is None or len(parts) != number:
            self._parts.pop(message, None)
            return None
        parts.append(part)
        return b"".join(self._parts.pop(message)) if flags & _END else None


def plain_data(text: bytes) -> Any:
    """A serialised value as plain data: dict with snake case keys, list, str, int, bool, float, None.

    Raises ValueError for what is no such value.
    """
    try:
        # pypsrp reads what the agent sends in the same way.
        return _value(ET.fromstring(text), {}) if text else None  # noqa: S314
    except (ET.ParseError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a serialised value ({type(error).__name__}: {error})") from error


def _value(element: ET.Element, known: dict[str, Any]) -> Any:
    if element.tag == "Obj":
        value = _object(element, known)
        known[element.get("RefId", "")] = value
        return value
    if element.tag == "Ref":
        return known[element.attrib["RefId"]]
    return _PLAIN.get(element.tag, _text)(element.text or "")


def _object(element: ET.Element, known: dict[str, Any]) -> Any:
    """A list, a dict, or the text of an object that has no properties."""
    text: Any = ""
    properties: dict[str, Any] = {}
    for part in element:
        match part.tag:
            case "LST" | "IE" | "QUE" | "STK":
                return [_value(item, known) for item in part]
            case "DCT":
                return dict(_entry(item, known) for item in part)
            case "Props" | "MS":
                properties |= {snake_case(_text(item.attrib["N"])): _value(item, known) for item in part}
            case "ToString":
                text = _text(part.text or "")
    return properties or text


def _entry(element: ET.Element, known: dict[str, Any]) -> tuple[str, Any]:
    """A key and its value."""
    parts = {part.get("N"): _value(part, known) for part in element}
    return snake_case(str(parts["Key"])), parts["Value"]


def _text(text: str) -> str:
    """A text as it was: what XML cannot hold, and some of what it can, is written as _xHHHH_, in units of UTF-16."""
    if "_x" not in text:
        return text
    units = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_PLAIN: dict[str, Callable[[str], Any]] = {
    "S": _text,
    "C": lambda text: chr(int(text)),
    "B": lambda text: text.lower() == "true",
    "Nil": lambda _text: None,
    "Sg": float,
    "Db": float,
    **dict.fromkeys(("By", "SB", "U16", "I16", "U32", "I32", "U64", "I64"), int),
}
