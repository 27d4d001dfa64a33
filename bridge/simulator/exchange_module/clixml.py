"""Writes values as CLIXML, the text form of PowerShell's objects.

Exchange Online answers the real module in this form, so types cross as they are: a string that looks like a
date stays a string, null is not an empty string, and an empty list is a list. Each document is one line:
line breaks within a string are written as ``_x000A_``. Source of the format: Microsoft's protocol document
MS-PSRP, section 2.2.5.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

_HEAD = '<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
# What XML cannot hold, what a reader would alter, and the beginning of an escape itself.
_ENCODED = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|_(?=[xX])")
_LIST = "<T>System.Object[]</T><T>System.Array</T><T>System.Object</T>"
_TABLE = "<T>System.Collections.Hashtable</T><T>System.Object</T>"
_OBJECT = "<T>System.Management.Automation.PSCustomObject</T><T>System.Object</T>"
_INT32 = 2**31


def document(value: Any) -> str:
    """One value as a whole document, on one line, without the line break.

    A mapping becomes an object with properties; one that is itself the value of a property becomes a
    hashtable. An object with a text property Identity is that text when it is used as a string, as
    Exchange's objects are. Raises TypeError for a value of a type that has no form here.
    """
    return f"{_HEAD}{_element(value, '', itertools.count())}</Objs>"


def text(value: str) -> str:
    """A string as the content of an element or of a quoted attribute."""
    encoded = _ENCODED.sub(lambda match: f"_x{ord(match[0]):04X}_", value)
    return escape(encoded, {'"': "&quot;"})


def _element(value: Any, name: str, references: Iterator[int], *, as_table: bool = False) -> str:
    attribute = f' N="{text(name)}"' if name else ""
    if value is None:
        return f"<Nil{attribute} />"
    if not isinstance(value, Mapping | list | tuple | set | frozenset):
        tag, content = _simple(value)
        return f"<{tag}{attribute}>{content}</{tag}>"
    # A reference id may be used once in a document; types have their own.
    head = f'<Obj{attribute} RefId="{next(references)}"><TN RefId="{next(references)}">'
    if not isinstance(value, Mapping):
        return f"{head}{_LIST}</TN><LST>{_items(value, references)}</LST></Obj>"
    if as_table:
        return f"{head}{_TABLE}</TN><DCT>{_pairs(value, references)}</DCT></Obj>"
    return f"{head}{_OBJECT}</TN>{_to_string(value)}<MS>{_properties(value, references)}</MS></Obj>"


def _simple(value: Any) -> tuple[str, str]:
    """The element's name and its content."""
    match value:
        case str():
            return "S", text(value)
        case bool():
            return "B", "true" if value else "false"
        case int():
            return ("I32" if -_INT32 <= value < _INT32 else "I64"), str(value)
        case float():
            return "Db", repr(value)
        case uuid.UUID():
            return "G", str(value)
        case datetime():
            moment = value.astimezone(UTC) if value.tzinfo else value
            return "DT", moment.isoformat().replace("+00:00", "Z")
        case _:
            raise TypeError(f"a value of the type {type(value).__name__} has no form in CLIXML here")


def _items(values: Iterable[Any], references: Iterator[int]) -> str:
    ordered = sorted(values) if isinstance(values, set | frozenset) else values
    return "".join(_element(item, "", references) for item in ordered)


def _pairs(table: Mapping[Any, Any], references: Iterator[int]) -> str:
    entries = (
        _element(str(key), "Key", references) + _element(item, "Value", references, as_table=True)
        for key, item in table.items()
    )
    return "".join(f"<En>{entry}</En>" for entry in entries)


def _properties(row: Mapping[Any, Any], references: Iterator[int]) -> str:
    return "".join(_element(item, str(key), references, as_table=True) for key, item in row.items())


def _to_string(row: Mapping[str, Any]) -> str:
    identity = row.get("Identity")
    return f"<ToString>{text(identity)}</ToString>" if isinstance(identity, str) else ""
