"""``exo-bridge actions``: what can be done."""

from __future__ import annotations

import difflib
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.actions import ACTIONS
from bridge.actions.fields import choices, takes_several, value_type
from bridge.cli import output
from bridge.cli.examples import command_line
from bridge.cli.options import Invocation
from bridge.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.actions.action import Action
    from bridge.scripts import ScriptFolder


def _complete(incomplete: str) -> list[str]:
    return [name for name in ACTIONS if name.startswith(incomplete)]


def actions(
    invocation: Invocation,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One action in full, such as group.grant.", autocompletion=_complete),
    ] = None,
    csv_template: Annotated[
        bool,
        typer.Option("--csv-template", metavar="", help="Print a CSV with the action's columns and an example row."),
    ] = False,
) -> None:
    """What can be done: parameters, result, the Exchange cmdlets that are used."""
    if name is not None and name not in ACTIONS:
        near = difflib.get_close_matches(name.replace(" ", ".").lower(), ACTIONS, n=3) or list(ACTIONS)
        raise UsageError(f"There is no action {name!r}. Did you mean: {', '.join(near)}?")
    if csv_template:
        _print_template(name)
        return
    from bridge.scripts import ScriptFolder

    scripts = ScriptFolder(own_folder(invocation.options.settings))
    rows = [describe(action, scripts) for action in ([ACTIONS[name]] if name else ACTIONS.values())]
    if invocation.options.json:
        output.print_json({"rows": rows})
    elif name is None:
        output.print_rows(rows, ("name", "kind", "summary"))
    else:
        _print_one(rows[0])


def _print_template(name: str | None) -> None:
    """The CSV to begin with, with line feeds, as a console has them."""
    if name is None:
        raise UsageError("--csv-template needs the NAME of an action.")
    from bridge.batch import csv_template

    sys.stdout.write(csv_template(ACTIONS[name]).replace("\r\n", "\n"))


def describe(action: Action, scripts: ScriptFolder) -> dict[str, Any]:
    """An action as data: what it takes, what comes out, and what runs. Raises ScriptError."""
    script = scripts.get(action.script)
    return {
        "id": action.name,
        "name": action.name,
        "kind": str(action.kind),
        "summary": action.summary,
        "command": f"exo-bridge {action.area} {action.verb}",
        "example": command_line(action, action.example),
        "parameters": [_parameter(action, name) for name in action.parameters.model_fields],
        "result": list(action.result),
        "defaults": action.defaults,
        "cmdlets": sorted(script.cmdlets),
        "script": script.name,
        "sha256": script.sha256,
    }


def _parameter(action: Action, name: str) -> dict[str, Any]:
    field = action.parameters.model_fields[name]
    kind = value_type(field)
    values = choices(kind)
    return {
        "name": name,
        "option": f"--{name.replace('_', '-')}",
        "type": "bool" if kind is bool else "choice" if values else "text",
        "values": values,
        "required": field.is_required(),
        "several": takes_several(action, name),
        "description": field.description or "",
    }


def own_folder(settings: Path | None) -> Path | None:
    """The own script folder of the settings; none where there are no settings, unless they were named."""
    from bridge.settings import load_settings

    try:
        return load_settings(settings).settings.scripts.folder
    except SettingsError:
        if settings is not None:
            raise
        return None


def _print_one(row: dict[str, Any]) -> None:
    output.print_line(row["summary"])
    output.print_line()
    for parameter in row["parameters"]:
        values = f" {'|'.join(parameter['values'])}" if parameter["values"] else ""
        notes = [
            note for note, there in (("required", parameter["required"]), ("several", parameter["several"])) if there
        ]
        output.print_line(
            f"  {parameter['option']}{values}  {'(' + ', '.join(notes) + ') ' if notes else ''}"
            f"{parameter['description']}"
        )
    if row["parameters"]:
        output.print_line()
    defaults = {"defaults": f"[{row['defaults']}] in the settings"} if row["defaults"] else {}
    output.print_facts(
        {
            "command": row["command"],
            "example": row["example"],
            "kind": row["kind"],
            "result": row["result"],
            **defaults,
            "Exchange cmdlets": row["cmdlets"],
            "script": row["script"],
        }
    )
