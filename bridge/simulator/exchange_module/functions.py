"""Writes the PowerShell functions that stand for Exchange's cmdlets, from the table of their parameters.

``cmdlets.json`` has every parameter's type and position as Microsoft documents them. As in the real module,
the types that only Exchange knows are plain objects here, so a bad value of those is refused by Exchange
and not at binding; switches, booleans, numbers, strings, dates and guids are typed, and bad ones do not
bind. Which parameters are mandatory is Exchange's to say, since nobody can answer a prompt here.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

# The .NET types that the real proxies declare; everything else is an object there.
_TYPES = {
    "SwitchParameter": "switch",
    "Boolean": "bool",
    "System.Boolean": "bool",
    "Int32": "int",
    "UInt32": "uint32",
    "Guid": "guid",
    "DateTime": "datetime",
    "String": "string",
    "String[]": "string[]",
    "SecureString": "securestring",
    "PSCredential": "pscredential",
    "X509Certificate2": "System.Security.Cryptography.X509Certificates.X509Certificate2",
}
# In the module itself: there before anything is connected.
OWN_COMMANDS = ("Connect-ExchangeOnline", "Disconnect-ExchangeOnline", "Get-ConnectionInformation")
# The module's first version with a parameter of Connect-ExchangeOnline. Source: Microsoft, "What's new in the
# Exchange Online PowerShell module".
_SINCE = {
    "AccessToken": (3, 1, 0),
    "SigningCertificate": (3, 2, 0),
    "SkipLoadingCmdletHelp": (3, 3, 0),
    "LoadCmdletHelp": (3, 7, 0),
    "DisableWAM": (3, 7, 2),
    "EXOModuleBasePath": (3, 9, 2),
}
# Message MC1248389 announces the end of -Credential for versions from July 2026 on. 3.10.1 is of that
# month, and its documentation still lists the parameter; so the first version without it is taken to be a
# later one.
_CREDENTIAL_GONE_AFTER = (3, 10, 1)
_NOT_DECLARED = frozenset(("WhatIf", "Confirm"))  # SupportsShouldProcess brings these


@dataclass(frozen=True)
class Parameter:
    """One parameter: its documented .NET type, and its position or None where it has to be named."""

    name: str
    type: str
    position: int | None = None


@functools.cache
def cmdlets() -> dict[str, tuple[Parameter, ...]]:
    """The parameters of every cmdlet that the module knows, by its name."""
    file = importlib.resources.files(__package__) / "cmdlets.json"
    table = json.loads(file.read_text(encoding="utf-8"))
    return {
        cmdlet: tuple(Parameter(name, entry["type"], entry.get("position")) for name, entry in entries.items())
        for cmdlet, entries in table.items()
    }


def inbuilt_commands() -> list[str]:
    """The Get-EXO* cmdlets: in the module itself, whatever was asked for with -CommandName."""
    return [name for name in cmdlets() if name.startswith("Get-EXO")]


def has_credential(version: str) -> bool:
    """Whether the module of this version still takes a user name and a password."""
    return _number(version) <= _CREDENTIAL_GONE_AFTER


def connect_parameters(version: str, denied: Collection[str] = ()) -> str:
    """The parameters of Connect-ExchangeOnline in the module of this version, as text for its param block.

    ``denied`` may hold ``Connect-ExchangeOnline:Name`` for one that this module does not have.
    """
    missing = {name for name, since in _SINCE.items() if _number(version) < since}
    if not has_credential(version):
        missing.add("Credential")
    refused = _denied(denied, "Connect-ExchangeOnline")
    kept = [
        parameter
        for parameter in cmdlets()["Connect-ExchangeOnline"]
        if parameter.name not in missing and parameter.name.lower() not in refused
    ]
    return _declarations(kept, pipeline="")


def inbuilt_functions() -> str:
    """The text of the Get-EXO* functions."""
    return "\n".join(_function(name, name, ()) for name in inbuilt_commands())


def imported_functions(commands: Iterable[str], denied: Collection[str] = (), prefix: str = "") -> str:
    """The text of the functions that one connection brings, for those of ``commands`` that it imports.

    ``denied`` holds ``Cmdlet:Parameter`` for parameters that the roles do not grant; those are left out.
    ``prefix`` goes between verb and noun.
    """
    return "\n".join(_function(name, prefixed(name, prefix), _denied(denied, name)) for name in importable(commands))


def importable(commands: Iterable[str]) -> list[str]:
    """Those of ``commands`` that a connection imports: known, and not in the module itself. Sorted."""
    wanted = {name.lower() for name in commands}
    own = {*OWN_COMMANDS, *inbuilt_commands()}
    return sorted(name for name in cmdlets() if name.lower() in wanted and name not in own)


def prefixed(cmdlet: str, prefix: str) -> str:
    """The function's name with -Prefix, which goes between verb and noun."""
    return cmdlet.replace("-", f"-{prefix}", 1)


def _function(cmdlet: str, name: str, denied: Collection[str]) -> str:
    parameters = cmdlets()[cmdlet]
    changes = any(parameter.name == "Confirm" for parameter in parameters)
    binding = f"SupportsShouldProcess = $true, ConfirmImpact = '{_impact(cmdlet)}'" if changes else ""
    declared = _declarations(
        [parameter for parameter in parameters if parameter.name.lower() not in denied],
        pipeline="ValueFromPipeline = $true, ValueFromPipelineByPropertyName = $true",
    )
    call = f"Invoke-ExchangeCommand -Cmdlet '{cmdlet}' -Caller $PSCmdlet -Bound $PSBoundParameters"
    if changes:
        call += " -Asks"
    return (
        f"function {name} {{\n"
        f"    [CmdletBinding({binding})]\n"
        f"    param(\n{declared}\n    )\n"
        "    process {\n"
        f"        {call}\n"
        "    }\n"
        "}"
    )


def _impact(cmdlet: str) -> str:
    """High is where the real one asks. Source: the cmdlets' documentation, "built-in pause"."""
    return "High" if cmdlet.startswith("Remove-") or cmdlet == "Add-RecipientPermission" else "Medium"


def _declarations(parameters: Iterable[Parameter], *, pipeline: str) -> str:
    lines = []
    for parameter in parameters:
        if parameter.name in _NOT_DECLARED:
            continue
        arguments = [] if parameter.position is None else [f"Position = {parameter.position}"]
        if parameter.name == "Identity" and pipeline:
            arguments.append(pipeline)
        attribute = f"[Parameter({', '.join(arguments)})] " if arguments else ""
        lines.append(f"        {attribute}[{_type(parameter.type)}] ${parameter.name}")
    return ",\n".join(lines)


def _type(documented: str) -> str:
    if documented in _TYPES:
        return _TYPES[documented]
    return "object[]" if documented.endswith("[]") else "object"


def _denied(entries: Collection[str], cmdlet: str) -> set[str]:
    """The lower-case names of the parameters of this cmdlet that are denied."""
    pairs = (entry.lower().partition(":") for entry in entries)
    return {parameter for name, _, parameter in pairs if name == cmdlet.lower() and parameter}


def _number(version: str) -> tuple[int, ...]:
    """The version as numbers, without a label as in 3.9.1-Preview1."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("-")[0]))
