"""The command line as a whole: which commands there are and in which order they are shown."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli import actions_command, demo, session_commands, settings_commands, simulate
from bridge.cli.action_commands import add_action_commands
from bridge.cli.options import NO_AGENT, command

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 120}


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"exo-bridge {version('exo-bridge')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", callback=_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Automates Exchange Online through one PowerShell runspace on an agent server."""


def build_app() -> typer.Typer:
    """The application with all its commands."""
    app = typer.Typer(
        no_args_is_help=True, context_settings=_CONTEXT, pretty_exceptions_enable=False, rich_markup_mode="rich"
    )
    app.callback()(_root)
    app.command("demo", rich_help_panel="Start here")(command(demo.demo, hidden=demo.HIDDEN))
    app.command("actions", rich_help_panel="Start here")(command(actions_command.actions, hidden=NO_AGENT))
    app.command("simulate", rich_help_panel="Start here")(command(simulate.simulate, hidden=simulate.HIDDEN))
    add_action_commands(app)
    session_commands.add_commands(app)
    settings_commands.add_commands(app)
    return app
