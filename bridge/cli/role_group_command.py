"""``exo-bridge session role-group``: the script that makes a role group for the cmdlets in use. Talks to no agent."""

from __future__ import annotations

import importlib.resources
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import output
from bridge.cli.options import NO_AGENT, Invocation
from bridge.errors import UsageError

if TYPE_CHECKING:
    from bridge.scripts import ScriptFolder

HIDDEN = NO_AGENT - {"dry_run"}
_SCRIPT = "New-BridgeRoleGroup.ps1"
_MARK = "#<needed>\n"


def role_group(
    invocation: Invocation,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=f"Where to write it, such as {_SCRIPT}.")],
    entry: Annotated[
        list[str] | None,
        typer.Option(
            "--entry",
            metavar=r"ROLE\CMDLET",
            help="A role that holds a cmdlet of your own scripts, where none is known; can be given several times.",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Replace the file that is there.")] = False,
) -> None:
    """Write a PowerShell script that gives an application the Exchange cmdlets of these scripts and no other."""
    from bridge.cli.actions_command import own_folder
    from bridge.scripts import ScriptFolder

    dry_run = invocation.options.dry_run
    scripts = ScriptFolder(own_folder(invocation.options.settings))
    roles = _roles(scripts, entry or [])
    if out.exists() and not force:
        raise UsageError(f"{out} is there already.", remedy="Give another --out, or --force to replace it.")
    if not dry_run:
        _write(out, _script(roles))
    rows = [{"id": role, "name": role, "cmdlets": list(cmdlets)} for role, cmdlets in roles.items()]
    if invocation.options.json:
        output.print_json({"rows": rows, "file": str(out), "dry_run": dry_run})
        return
    output.print_line(f"{'would write' if dry_run else 'written'} {out}")
    output.print_line()
    for role, cmdlets in roles.items():
        output.print_line(f"{role}: {', '.join(cmdlets)}")
    output.print_line()
    output.print_line("Run it where Connect-ExchangeOnline has connected a member of Organization Management:")
    path = str(out.absolute()).replace("'", "''")
    output.print_line(f"  & '{path}' -AppId CLIENT-ID -ObjectId OBJECT-ID-OF-THE-ENTERPRISE-APPLICATION -WhatIf")


def _roles(scripts: ScriptFolder, entries: list[str]) -> Mapping[str, tuple[str, ...]]:
    from bridge.roles import permissions_of, with_entries

    return permissions_of((script for script in scripts.all() if script.is_action), with_entries(entries)).roles


def _script(roles: Mapping[str, tuple[str, ...]]) -> str:
    template = (importlib.resources.files(__package__) / _SCRIPT).read_text(encoding="ascii")
    return template.replace(_MARK, _table(roles))


def _table(roles: Mapping[str, tuple[str, ...]]) -> str:
    """The lines of a PowerShell table. Names of roles and cmdlets have no quotes in them."""
    lines = []
    for role, cmdlets in roles.items():
        names = "\n".join(f"        '{cmdlet}'" for cmdlet in cmdlets)
        lines.append(f"    '{role}' = @(\n{names}\n    )\n")
    return "".join(lines)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="ascii", newline="\r\n")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
