"""``exo-bridge settings``: what the settings say, whether they can be used, and their schema for editors."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import typer

from bridge.cli import output
from bridge.cli.help import HelpCommand
from bridge.cli.options import NO_AGENT, Invocation, command
from bridge.errors import ScriptError

if TYPE_CHECKING:
    from bridge.scripts import ScriptFolder


def add_commands(group: typer.Typer) -> None:
    """Give the group ``settings`` its commands."""
    hidden = frozenset(("engine", "tenant", "dry_run"))
    group.command("show", cls=HelpCommand)(command(show, hidden=hidden))
    group.command("check", cls=HelpCommand)(command(check, hidden=hidden))
    group.command("schema", cls=HelpCommand)(command(schema, hidden=NO_AGENT | {"settings", "log_file"}))


def show(invocation: Invocation) -> None:
    """Show every setting, its value and where it comes from. Secrets are masked."""
    from bridge.cli.running import prepared
    from bridge.settings import effective

    with prepared(invocation) as running:
        rows = effective(running.loaded)
    if invocation.options.json:
        output.print_json({"file": _file(running.loaded.file), "rows": rows})
    else:
        output.print_rows(rows, ("key", "value", "origin"))


def check(invocation: Invocation) -> None:
    """Look for mistakes in the settings and the own scripts, and who else may read or write them. Connects nothing."""
    from bridge.cli.running import prepared
    from bridge.settings import exposures

    with prepared(invocation) as running:
        running.scripts.all()
        _check_places(running.scripts)
        found = exposures(running.loaded)
    file = _file(running.loaded.file)
    if invocation.options.json:
        output.print_json({"file": file, "rows": [one.as_json() for one in found]})
    else:
        output.print_line(f"{file or 'The settings of the environment'}: no mistakes. Nothing was connected.")
        for one in found:
            output.print_pieces(("warning: ", "yellow"), one.seen)
            output.print_pieces("  ", ("what to do: ", "bold"), one.remedy)


def schema(invocation: Invocation) -> None:
    """Print the JSON schema of the settings file, for editors that check and complete TOML."""
    from bridge.settings import settings_schema

    if invocation.options.json:
        output.print_json({"rows": [settings_schema()]})
    else:
        sys.stdout.write(json.dumps(settings_schema(), indent=2) + "\n")


def _check_places(scripts: ScriptFolder) -> None:
    """Raise ScriptError for own scripts that have a shipped one's file name in another place: they replace nothing."""
    from bridge.scripts import ScriptFolder

    if scripts.path is None:
        return
    shipped = set(ScriptFolder().names())
    by_file = {name.rpartition("/")[2].lower(): name for name in shipped}
    wrong = [
        f"The script {scripts.path / name} replaces no script: it would as {scripts.path / place}."
        for name in scripts.names()
        if name not in shipped and (place := by_file.get(name.rpartition("/")[2].lower()))
    ]
    if wrong:
        raise ScriptError(" ".join(wrong), remedy="Move it there, or give it a file name of its own.")


def _file(path: object) -> str:
    return str(path) if path else ""
