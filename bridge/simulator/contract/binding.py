"""What a script takes, and what PowerShell says when it is given something else.

The records are those of a real PowerShell 7.6 as they arrive over the wire: for a script sent as text the
error id has no command after it and the activity is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.simulator.engine import ErrorInfo, TerminatingError

_AUTOMATION = "System.Management.Automation."
_COMMON = frozenset(
    (
        "verbose",
        "debug",
        "erroraction",
        "warningaction",
        "informationaction",
        "progressaction",
        "errorvariable",
        "warningvariable",
        "informationvariable",
        "outvariable",
        "outbuffer",
        "pipelinevariable",
    )
)


@dataclass(frozen=True)
class Parameter:
    """One parameter of a script, as its param() block has it. ``pattern`` is that of a ValidatePattern."""

    name: str
    type: Literal["string", "string[]", "switch", "securestring", "hashtable"] = "string"
    mandatory: bool = False
    values: tuple[str, ...] = ()
    pattern: str = ""


def bind(parameters: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every parameter, by its name; what was not given is "", [], {}, False or None, by type.

    Common parameters (-Verbose ...) are left out. Raises TerminatingError as PowerShell's binder does.
    """
    known = {parameter.name.lower(): parameter for parameter in parameters}
    bound: dict[str, Any] = {}
    for name, value in given.items():
        parameter = known.get(name.lower())
        if parameter is not None:
            bound[parameter.name] = _value(parameter, value)
        elif name.lower() not in _COMMON:
            raise _error(f"A parameter cannot be found that matches parameter name '{name}'.", "NamedParameterNotFound")
    missing = [parameter.name for parameter in parameters if parameter.mandatory and parameter.name not in bound]
    if missing:
        raise _error(
            "Cannot process command because of one or more missing mandatory parameters: " + " ".join(missing) + ".",
            "MissingMandatoryParameter",
        )
    empty: dict[str, Any] = {"string": "", "string[]": [], "switch": False, "securestring": None, "hashtable": {}}
    return {parameter.name: bound.get(parameter.name, empty[parameter.type]) for parameter in parameters}


def is_verbose(given: Mapping[str, Any]) -> bool:
    """Whether -Verbose was given: without it a PowerShell sends no verbose records."""
    return any(name.lower() == "verbose" and bool(value) for name, value in given.items())


def text_of(value: Any) -> str:
    """A value as it stands in a PowerShell string."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(text_of(item) for item in value)
    return str(value)


def _value(parameter: Parameter, value: Any) -> Any:
    if parameter.type == "switch":
        return bool(value)
    if parameter.type in ("securestring", "hashtable"):
        return value
    if parameter.type == "string[]":
        items = [text_of(item) for item in (value if isinstance(value, list | tuple) else [value])]
        if parameter.mandatory and not all(items):
            raise _empty(parameter.name)
        for item in items:
            _check_pattern(parameter, item)
        return items
    text = text_of(value)
    if parameter.mandatory and not text:
        raise _empty(parameter.name)
    if parameter.values and text.lower() not in (choice.lower() for choice in parameter.values):
        raise _invalid(
            f'{_refused(parameter, text)}belong to the set "{",".join(parameter.values)}" specified by the ValidateSet '
            "attribute. Supply an argument that is in the set and then try the command again.",
        )
    _check_pattern(parameter, text)
    return text


def _check_pattern(parameter: Parameter, text: str) -> None:
    if parameter.pattern and not re.search(parameter.pattern, text, re.IGNORECASE):
        raise _invalid(
            f'{_refused(parameter, text)}match the "{parameter.pattern}" pattern. Supply an argument that matches '
            f'"{parameter.pattern}" and try the command again.',
        )


def _refused(parameter: Parameter, text: str) -> str:
    return f"Cannot validate argument on parameter '{parameter.name}'. The argument \"{text}\" does not "


def _empty(name: str) -> TerminatingError:
    return _invalid(
        f"Cannot bind argument to parameter '{name}' because it is an empty string.",
        "ParameterArgumentValidationErrorEmptyStringNotAllowed",
    )


def _invalid(message: str, error_id: str = "ParameterArgumentValidationError") -> TerminatingError:
    return _error(message, error_id, "ParameterBindingValidationException", "InvalidData")


def _error(
    message: str,
    error_id: str,
    reason: str = "ParameterBindingException",
    category: str = "InvalidArgument",
) -> TerminatingError:
    return TerminatingError(
        ErrorInfo(
            message=message,
            reason=reason,
            exception_type=_AUTOMATION + reason,
            error_id=error_id,
            category=category,
            activity="",
            target="",
        )
    )
