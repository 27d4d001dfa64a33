"""The simulator's module ExchangeOnlineManagement: PowerShell files, and the functions made for them.

``render`` writes the module into a folder for PowerShell's module path. ``client.ps1`` is the part that
both the module and the functions of a connection are made with; the functions of a connection are sent when
it is opened, as Exchange Online does.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from bridge.simulator.exchange_module.functions import (
    OWN_COMMANDS,
    connect_parameters,
    has_credential,
    importable,
    imported_functions,
    inbuilt_commands,
    inbuilt_functions,
    prefixed,
)

__all__ = ["MODULE_NAME", "CommandModule", "command_module", "has_credential", "render"]

MODULE_NAME = "ExchangeOnlineManagement"


def render(folder: Path, version: str, denied: Collection[str] = ()) -> Path:
    """Write the module of this version below ``folder``, for a module path; gives the module's own folder.

    ``denied`` may hold ``Connect-ExchangeOnline:Credential`` and the like. Raises OSError.
    """
    # A manifest's version is numbers only; a label as in 3.9.1-Preview1 is not part of it.
    number = version.partition("-")[0]
    exported = ", ".join(f"'{name}'" for name in (*OWN_COMMANDS, *inbuilt_commands()))
    manifest = _template(f"{MODULE_NAME}.psd1")
    manifest = manifest.replace("'0.0.0'", f"'{number}'").replace("@('*')", f"@({exported})")
    module = _template(f"{MODULE_NAME}.psm1")
    for mark, text in (
        ("#<client>", _template("client.ps1")),
        ("#<parameters of Connect-ExchangeOnline>", connect_parameters(version, denied)),
        ("#<inbuilt functions>", inbuilt_functions()),
    ):
        module = module.replace(mark, text)
    target = folder / MODULE_NAME
    target.mkdir(parents=True, exist_ok=True)
    (target / f"{MODULE_NAME}.psd1").write_text(manifest, encoding="utf-8")
    (target / f"{MODULE_NAME}.psm1").write_text(module, encoding="utf-8")
    return target


@dataclass(frozen=True)
class CommandModule:
    """The temporary module that one connection imports: its text, and the functions that it is to export."""

    text: str
    functions: tuple[str, ...]


def command_module(commands: Collection[str], denied: Collection[str] = (), prefix: str = "") -> CommandModule:
    """The temporary module with a function for each of ``commands`` that is not in the module itself.

    ``denied`` holds ``Cmdlet:Parameter`` for parameters that the roles do not grant. ``prefix`` goes
    between verb and noun of each name.
    """
    names = tuple(prefixed(name, prefix) for name in importable(commands))
    return CommandModule(f"{_template('client.ps1')}\n{imported_functions(commands, denied, prefix)}\n", names)


def _template(name: str) -> str:
    return (importlib.resources.files(__package__) / name).read_text(encoding="utf-8")
