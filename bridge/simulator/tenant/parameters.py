"""The parameters of a call: held against the documented ones, and made fit to be seen.

PowerShell binds before a call gets here; without a PowerShell in front this is the only check. It knows the types that
the module's functions declare and leaves those that only Exchange knows to the cmdlets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bridge.simulator.exchange_module.functions import Parameter, cmdlets
from bridge.simulator.tenant import errors
from bridge.simulator.tenant.directory import is_guid

_SECRET_WORDS = ("password", "secret", "token")
_MASK = "***"
_TYPE_NAMES = {
    "SwitchParameter": "System.Management.Automation.SwitchParameter",
    "Boolean": "System.Boolean",
    "System.Boolean": "System.Boolean",
    "Int32": "System.Int32",
    "UInt32": "System.UInt32",
    "Guid": "System.Guid",
}
_INTEGER_MINIMUM = {"Int32": -(2**31), "UInt32": 0}
_INTEGER_MAXIMUM = {"Int32": 2**31 - 1, "UInt32": 2**32 - 1}


def bind(cmdlet: str, given: Mapping[str, Any], denied: Iterable[str] = ()) -> dict[str, Any]:
    """The parameters by their documented names. Raises CmdletError: one does not exist, is denied, or does not bind.

    ``denied`` has ``Cmdlet:Parameter`` entries. -Confirm is PowerShell's own matter and is left out.
    """
    known = {parameter.name.lower(): parameter for parameter in cmdlets()[cmdlet]}
    refused = {entry.lower() for entry in denied}
    bound: dict[str, Any] = {}
    for name, value in given.items():
        parameter = known.get(name.lower())
        if parameter is None or f"{cmdlet}:{name}".lower() in refused:
            raise errors.parameter_not_found(cmdlet, name)
        if not _converts(parameter, value):
            raise errors.parameter_type(cmdlet, parameter.name, value, _TYPE_NAMES[parameter.type])
        if parameter.name != "Confirm":
            bound[parameter.name] = value
    return bound


def _converts(parameter: Parameter, value: Any) -> bool:
    """Whether a value is of the type of its parameter, where PowerShell itself knows that type."""
    match parameter.type:
        case "SwitchParameter" | "Boolean" | "System.Boolean":
            return isinstance(value, bool)
        case "Int32" | "UInt32" as kind:
            return (
                isinstance(value, int)
                and not isinstance(value, bool)
                and _INTEGER_MINIMUM[kind] <= value <= _INTEGER_MAXIMUM[kind]
            )
        case "Guid":
            return is_guid(str(value))
        case _:
            return True


def masked(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters for a record: nothing in it that a secret is."""
    return {name: _MASK if _is_secret(name, value) else _masked(value) for name, value in parameters.items()}


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return masked({str(key): item for key, item in value.items()})
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def _is_secret(name: str, value: Any) -> bool:
    lower = name.lower()
    # A credential is a table with a user name, which may be seen.
    return any(word in lower for word in _SECRET_WORDS) or (lower == "credential" and not isinstance(value, Mapping))
