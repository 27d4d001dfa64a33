"""What crosses between the contract engine and PSRP: values both ways, and records as a PowerShell sends them.

The forms are those that a real PowerShell 7.6 was seen to send: a list is an array (``System.Object[]``), a whole
number is Int32 where it fits, an object made by ``[pscustomobject]`` has no text of its own, and a record has its
message as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from psrpcore.types import (
    ErrorCategory,
    ErrorCategoryInfo,
    ErrorRecord,
    InformationalRecord,
    NETException,
    PSCustomObject,
    PSDateTime,
    PSDict,
    PSDouble,
    PSGuid,
    PSInt,
    PSInt64,
    PSList,
    PSObject,
    PSSecureString,
    PSString,
)

from bridge.simulator.engine import ErrorInfo

_COR_E_EXCEPTION = -2146233087
_RUNTIME = "System.Management.Automation.RuntimeException"
_SYSTEM = "System.SystemException"
_BASE = "System.Exception"
_BINDING = "System.Management.Automation.ParameterBindingException"
# The class that a class of exceptions is derived from, of those that are not derived from SystemException itself.
_PARENTS = {
    _SYSTEM: _BASE,
    _RUNTIME: _SYSTEM,
    _BINDING: _RUNTIME,
    "System.Management.Automation.CommandNotFoundException": _RUNTIME,
    "System.Management.Automation.ParameterBindingValidationException": _BINDING,
    "System.Management.Automation.ParameterBindingArgumentTransformationException": _BINDING,
}
# What XML cannot hold or would alter, and the beginning of what would be read as one of these.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=[xX][0-9A-Fa-f]{4}_)")
# These are derived from Exception and not from SystemException.
_OTHERS = ("Bridge.", "Microsoft.Exchange.", "Microsoft.Identity.")


class SecureString:
    """A SecureString that came over the wire; its text is not in its repr."""

    def __init__(self, value: PSSecureString) -> None:
        self._value = value

    def reveal(self) -> str:
        """Its text."""
        return str(self._value.decrypt())


def from_psrp(value: Any) -> Any:
    """A value of a client in plain Python types: str, bool, int, float, list, dict, None; a SecureString as Secret.

    What has no plain form is left as it is.
    """
    match value:
        case None | bool():
            return value
        case PSSecureString():
            return SecureString(value)
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case dict():
            return {from_psrp(key): from_psrp(item) for key, item in value.items()}
        case list():
            return [from_psrp(item) for item in value]
    return value


def to_psrp(value: Any, *, is_inner: bool = False) -> Any:
    """A value of an engine as an object for the output; a mapping inside another value becomes a Hashtable.

    Raises TypeError for a type that has no form here, OverflowError for a number beyond Int64.
    """
    match value:
        case None | bool() | PSObject():
            return value
        case str():
            return PSString(value)
        case int():
            return _integer(value)
        case float():
            return PSDouble(value)
        case datetime():
            return PSDateTime(
                *value.timetuple()[:6], microsecond=value.microsecond, tzinfo=value.tzinfo, fold=value.fold
            )
        case UUID():
            return PSGuid(int=value.int)
        case Mapping() if is_inner:
            return PSDict({str(key): to_psrp(item, is_inner=True) for key, item in value.items()})
        case Mapping():
            return PSCustomObject(**{str(key): to_psrp(item, is_inner=True) for key, item in value.items()})
        case list() | tuple():
            array = PSList(to_psrp(item, is_inner=True) for item in value)
            array.PSObject.type_names = ["System.Object[]", "System.Array", "System.Object"]
            return array
    raise TypeError(f"the contract engine gave a value of the type {type(value).__name__}, which has no form in PSRP")


def _integer(value: int) -> PSInt | PSInt64:
    if PSInt.MinValue <= value <= PSInt.MaxValue:
        return PSInt(value)
    if PSInt64.MinValue <= value <= PSInt64.MaxValue:
        return PSInt64(value)
    raise OverflowError(f"{value} is no Int64")


def error_record(info: ErrorInfo) -> ErrorRecord:
    """The record of an error, with its message as text."""
    exception = NETException(Message=info.message, HResult=_COR_E_EXCEPTION)
    exception.PSObject.type_names = [*_type_names(info.exception_type), "System.Object"]
    exception.PSObject.to_string = _encoded(f"{info.exception_type}: {info.message}")
    category = (
        ErrorCategory[info.category] if info.category in ErrorCategory.__members__ else ErrorCategory.NotSpecified
    )
    record = ErrorRecord(
        Exception=exception,
        CategoryInfo=_CategoryInfo(
            Category=category,
            Activity=info.activity,
            Reason=info.reason,
            TargetName=info.target,
            TargetType="String" if info.target else "",
        ),
        TargetObject=info.target or None,
        FullyQualifiedErrorId=info.error_id,
    )
    record.PSObject.to_string = _encoded(info.message)
    return record


def informational_record(kind: type[InformationalRecord], text: str) -> InformationalRecord:
    """A verbose or warning record with its message as text."""
    record = kind(Message=text)
    record.PSObject.to_string = _encoded(text)
    return record


def _encoded(text: str) -> str:
    """The text of an object as it has to stand in XML: psrpcore does this for values and not for texts of objects."""
    return _NOT_IN_XML.sub(lambda match: f"_x{ord(match[0]):04X}_", text)


class _CategoryInfo(ErrorCategoryInfo):
    """Its text goes out with the record; PowerShell has a colon after the category."""

    def __str__(self) -> str:
        return (
            f"{self.Category.name}: ({self.TargetName or ''}:{self.TargetType or ''}) "
            f"[{self.Activity or ''}], {self.Reason or ''}"
        )


def _type_names(name: str) -> list[str]:
    """A .NET exception's type and those that it is derived from, up to Exception."""
    names = [name]
    while names[-1] != _BASE:
        parent = _BASE if names[-1].startswith(_OTHERS) else _SYSTEM
        names.append(_PARENTS.get(names[-1], parent))
    return names
